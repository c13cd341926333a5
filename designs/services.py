"""What can be done with designs: keep drafts, publish versions."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max

from designs.access import Caller
from designs.errors import DesignInvalid, NotAllowed, VersionUnknown
from designs.graph.rules import Checked
from designs.models import Design, DesignVersion
from designs.patterns.catalogue import check_document


def create_design(
    *, document: dict[str, Any], caller: Caller, name: str = "", description: str = ""
) -> Design:
    """Keep a document as the draft of a new design; problems are allowed until it is published.

    Name and description are the document's own unless given.
    """
    draft = dict(document)
    draft["name"] = name or _text(document.get("name")) or "Untitled design"
    draft["description"] = description or _text(document.get("description"))
    return Design.objects.create(
        name=draft["name"][:200],
        description=draft["description"],
        draft=draft,
        created_by_id=caller.user_id,
    )


def change_draft(*, design: Design, document: dict[str, Any]) -> Design:
    """Replace the draft; the design takes over the document's name and description."""
    design.draft = document
    design.name = (_text(document.get("name")) or design.name)[:200]
    design.description = _text(document.get("description"))
    design.save(update_fields=["draft", "name", "description", "updated_at"])
    return design


def check_draft(design: Design) -> Checked:
    """The draft's problems, all at once."""
    return check_document(design.draft)


def publish_design(*, design: Design, caller: Caller, note: str = "") -> DesignVersion:
    """Make the draft the next immutable version.

    Raises DesignInvalid with all problems, NotAllowed without the right to publish.
    """
    if not caller.may("designs.publish_design"):
        raise NotAllowed("Publishing a version needs the right to publish designs.")
    with transaction.atomic():
        locked = Design.objects.select_for_update().get(pk=design.pk)
        checked = check_document(locked.draft)
        if checked.problems:
            raise DesignInvalid(checked.problems)
        last = locked.versions.aggregate(last=Max("number"))["last"] or 0
        return DesignVersion.objects.create(
            design=locked,
            number=last + 1,
            document=locked.draft,
            note=note,
            created_by_id=caller.user_id,
        )


def version_to_deploy(*, design: Design, number: int | None, caller: Caller) -> DesignVersion:
    """The version asked for, else the latest; a design never published is published by this.

    Raises VersionUnknown, and what `publish_design` raises.
    """
    if number is not None:
        found = design.versions.filter(number=number).first()
        if found is None:
            raise VersionUnknown(f"This design has no version {number}.")
        return found
    latest = design.latest()
    if latest is not None:
        return latest
    if not caller.may("designs.publish_design"):
        raise NotAllowed(
            "This design was never published. Ask somebody who may publish designs, then deploy it."
        )
    return publish_design(design=design, caller=caller, note="Published by its first deployment")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
