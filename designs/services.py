"""What can be done with designs: keep drafts, publish versions, import, export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError

from designs.access import Caller
from designs.auditing.audit import Action, note
from designs.errors import (
    DesignInUse,
    DesignInvalid,
    ImportRefused,
    NotAllowed,
    SampleUnknown,
    SuggestionsOutdated,
    VersionUnknown,
)
from designs.graph.files import design_text, read_design_file, read_designs
from designs.graph.rules import CheckResult
from designs.graph.spec import Problem
from designs.graph.suggestions import apply_to_document, read_suggestion
from designs.models import Design, DesignVersion
from designs.patterns.catalogue import check_document
from designs.rows.locking import lock_row
from designs.sample_files import load_samples
from designs.secrets.masking import masked, masked_value

UNNAMED = "Untitled design"
IN_USE = (
    "This design cannot be deleted: deployments or executions refer to it, and the history must "
    "stay readable. Undeployed ones count too."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A design made from a file, and what was changed or left out of the file for it."""

    design: Design
    warnings: tuple[Problem, ...]


def create_design(
    *, document: dict[str, Any], caller: Caller, name: str = "", description: str = ""
) -> Design:
    """Keep a document as the draft of a new design; problems are allowed until it is published.

    Name and description are the document's own unless given.
    """
    draft = _draft(document, name or UNNAMED if _is_blank(document.get("name")) else name)
    if description:
        draft["description"] = masked(description)
    with transaction.atomic():
        return Design.objects.create(draft=draft, created_by_id=caller.user_id, **_labels(draft))


def change_draft(
    *,
    design: Design,
    document: dict[str, Any] | None = None,
    name: str | None = None,
    description: str | None = None,
) -> Design:
    """Replace the draft, or its name and description alone; without a name it keeps the old one.

    Name and description are the document's own unless given.
    """
    with transaction.atomic():
        locked = lock_row(Design.objects.all(), design.pk)
        given = locked.draft if document is None else document
        draft = _draft(given, name or (locked.name if _is_blank(given.get("name")) else ""))
        if description is not None:
            draft["description"] = masked(description)
        design.draft = draft
        for field, value in _labels(draft).items():
            setattr(design, field, value)
        design.save(update_fields=["draft", "name", "description", "updated_at"])
    return design


def delete_design(*, design: Design) -> None:
    """Delete the design with its versions.

    Raises DesignInUse while deployments or executions refer to it, undeployed and finished ones
    too: what happened stays readable. Raises RowGone, as do all that change a design.
    """
    try:
        with transaction.atomic():
            locked = lock_row(Design.objects.all(), design.pk, to_delete=True)
            if locked.is_referred_to():
                raise DesignInUse(IN_USE)
            locked.versions.all().delete()
            locked.delete()
    except (ProtectedError, IntegrityError) as error:
        # Somebody deployed it between our look and our write.
        raise DesignInUse(IN_USE) from error


def copy_sample(*, slug: str, caller: Caller) -> Design:
    """A new design from one of the samples. Raises SampleUnknown."""
    for sample in load_samples():
        if sample.slug == slug:
            return create_design(document=sample.document, caller=caller)
    raise SampleUnknown(f"There is no sample called {slug[:80]}. Choose one of those listed.")


def apply_suggestions(
    *, design: Design, suggestions: Iterable[Mapping[str, Any]], caller: Caller
) -> Design:
    """Put suggested prompts into the draft: all of those given, or none.

    A suggestion has `block_id`, `agent_id`, `current_prompt`, `suggested_prompt`, `reasoning`. Only
    expressions of the current prompt stay expressions. Raises SuggestionsOutdated, NotAllowed.
    """
    if not caller.may("designs.change_design"):
        raise NotAllowed("Applying suggestions needs the right to change designs.")
    read = [read_suggestion(raw) for raw in suggestions]
    if not read or None in read:
        raise SuggestionsOutdated(["A suggestion names a block, an agent, and both prompts."])
    with transaction.atomic():
        locked = lock_row(Design.objects.all(), design.pk)
        document, refusals = apply_to_document(locked.draft, filter(None, read))
        if refusals:
            raise SuggestionsOutdated(refusals)
        return change_draft(design=design, document=document)


# --- Checks and files -----------------------------------------------------------------------------


def validate_document(document: object) -> CheckResult:
    """All problems of any value as a document. Never raises."""
    return check_document(document)


def check_draft(design: Design) -> CheckResult:
    """The draft's problems, all at once."""
    return check_document(design.draft)


def import_designs(*, raw: object, caller: Caller) -> list[Imported]:
    """Keep the designs of a file as new drafts, all of them or none.

    `raw` is the file's bytes, or its JSON value: one design or a list, in our layout or the nested
    one. Raises ImportRefused.
    """
    found = read_design_file(raw) if isinstance(raw, bytes) else read_designs(raw)
    if found.problems:
        raise ImportRefused(found.problems)
    with transaction.atomic():
        made = [create_design(document=one.document, caller=caller) for one in found.designs]
        return [
            Imported(design, (*one.warnings, *_draft_warning(design)))
            for design, one in zip(made, found.designs, strict=True)
        ]


def export_design(design: Design) -> str:
    """The draft as JSON text; importing it gives a design with the same text."""
    note(Action.EXPORT, design)
    return design_text(design.draft)


def export_version(version: DesignVersion) -> str:
    """What was published, as JSON text."""
    note(Action.EXPORT, version)
    return design_text(version.document)


# --- Versions -------------------------------------------------------------------------------------


def restore_version(*, version: DesignVersion) -> Design:
    """Make a published version the draft again; the versions stay as they are."""
    return change_draft(design=version.design, document=version.document)


def publish_design(*, design: Design, caller: Caller, note: str = "") -> DesignVersion:
    """Make the draft the next immutable version.

    Raises DesignInvalid with all problems, NotAllowed without the right to publish.
    """
    if not caller.may("designs.publish_design"):
        raise NotAllowed("Publishing a version needs the right to publish designs.")
    with transaction.atomic():
        locked = lock_row(Design.objects.all(), design.pk)
        checked = check_document(locked.draft)
        if checked.problems:
            raise DesignInvalid(checked.problems)
        last = locked.versions.aggregate(last=Max("number"))["last"] or 0
        return DesignVersion.objects.create(
            design=locked,
            number=last + 1,
            document=locked.draft,
            note=masked(note),
            created_by_id=caller.user_id,
        )


def version_of_design(*, design: Design, number: int) -> DesignVersion:
    """Raises VersionUnknown."""
    found = design.versions.filter(number=number).first()
    if found is None:
        raise VersionUnknown(f"This design has no version {number}.")
    return found


def version_to_deploy(*, design: Design, number: int | None, caller: Caller) -> DesignVersion:
    """The version asked for, else the latest; a design never published is published by this.

    Raises VersionUnknown, and what `publish_design` raises.
    """
    if number is not None:
        return version_of_design(design=design, number=number)
    latest = design.latest()
    if latest is not None:
        return latest
    if not caller.may("designs.publish_design"):
        raise NotAllowed(
            "This design was never published. Ask somebody who may publish designs, then deploy it."
        )
    return publish_design(design=design, caller=caller, note="Published by its first deployment")


def _draft(document: dict[str, Any], name: str) -> dict[str, Any]:
    """A copy of the document with a name, if one is given, and a description; without secrets."""
    draft = {**document, "name": name} if name else dict(document)
    if draft.get("description") is None:
        draft["description"] = ""
    shown: dict[str, Any] = masked_value(draft)
    return shown


def _labels(draft: dict[str, Any]) -> dict[str, str]:
    """What lists show of a draft, whatever stands in it."""
    return {
        "name": _text(draft.get("name"))[:200] or UNNAMED,
        "description": _text(draft.get("description")),
    }


def _is_blank(name: object) -> bool:
    return name is None or (isinstance(name, str) and not name.strip())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _draft_warning(design: Design) -> Iterable[Problem]:
    count = len(check_draft(design).problems)
    if count:
        problems = "a problem" if count == 1 else f"{count} problems"
        yield Problem("", f"The draft has {problems} to solve before it can be published.")
