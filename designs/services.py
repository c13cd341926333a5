"""Operations on designs: save drafts, publish versions, import, export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, ProtectedError
from django.utils.module_loading import import_string

from designs.access import Caller
from designs.auditing.audit import Action, note
from designs.drafts import checkpoints
from designs.drafts.news import tell_after_commit
from designs.drafts.writing import (
    UNNAMED,
    Revisions,
    is_blank,
    labels,
    lock_draft,
    storable,
    write_draft,
)
from designs.errors import (
    DesignInUse,
    DesignInvalid,
    ImportRefused,
    NotAllowed,
    PartGone,
    SuggestionsOutdated,
    VersionUnknown,
)
from designs.graph.files import ReadDesign, design_text, read_design_file, read_designs
from designs.graph.rules import CheckResult
from designs.graph.spec import Problem
from designs.graph.suggestions import apply_to_document, read_suggestion
from designs.graph.taking import with_part
from designs.models import Design, DesignVersion, DraftCheckpoint
from designs.models.checkpoint import Reason
from designs.nested.files import found_here, with_names
from designs.nested.problems import check_with_nested
from designs.nested.uses import note_uses
from designs.sample_files import Sample
from designs.secrets.masking import masked

# Of a sample by one person: whoever makes more of them gets one more.
MAX_COPIES_COMPARED = 20
IN_USE = (
    "This design cannot be deleted: deployments, executions or other designs refer to it, and the "
    "history must stay readable. Undeployed ones count too."
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A design created from a file; the warnings say what was changed or left out."""

    design: Design
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A design in a file as it would be imported, and the problems that its draft would have."""

    document: dict[str, Any]
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...]


def create_design(
    *, document: dict[str, Any], caller: Caller, name: str = "", description: str = ""
) -> Design:
    """Save a document as the draft of a new design. It may have problems until it is published.

    `name` and `description` replace those of the document.
    """
    draft = storable(document, name or UNNAMED if is_blank(document.get("name")) else name)
    if description:
        draft["description"] = masked(description)
    with transaction.atomic():
        return Design.objects.create(
            draft=draft,
            created_by_id=caller.user_id,
            changed_by_id=caller.user_id,
            **labels(draft),
        )


def change_draft(
    *,
    design: Design,
    caller: Caller,
    document: dict[str, Any] | None = None,
    name: str | None = None,
    description: str | None = None,
    revisions: Revisions = None,
    reason: Reason | None = None,
) -> Design:
    """Replace the draft, or only its name or description. A draft without a name keeps the old one.

    `name` and `description` replace those of the document. For a `reason` the draft before it
    becomes a checkpoint in any case. Raises RowGone, and DraftChanged if the draft is at none of
    the `revisions`.
    """
    with transaction.atomic():
        locked = lock_draft(design, revisions)
        checkpoints.keep_before(locked, caller, reason, has_seen=revisions is not None)
        base = locked.draft if document is None else document
        draft = storable(base, name or (locked.name if is_blank(base.get("name")) else ""))
        if description is not None:
            draft["description"] = masked(description)
        return write_draft(design=design, locked=locked, draft=draft, caller=caller)


def copy_design(*, design: Design, caller: Caller) -> Design:
    """A new design with the same draft under a name of its own."""
    return create_design(
        document=design.draft, caller=caller, name=Design.objects.free_name(f"{design.name} copy")
    )


def use_sample(*, sample: Sample, caller: Caller) -> Design:
    """A new design with the sample's document under a name of its own."""
    return create_design(
        document=deepcopy(sample.document),
        caller=caller,
        name=Design.objects.free_name(sample.name),
    )


def sample_to_try(*, sample: Sample, caller: Caller) -> Design:
    """The caller's own copy of the sample that nobody has changed, so that a second try makes no
    second design; else a new one.
    """
    untouched = Design.objects.for_caller(caller).filter(
        created_by=caller.user_id, revision=1, name__startswith=sample.name
    )
    for design in untouched.order_by("-created_at")[:MAX_COPIES_COMPARED]:
        if {**design.draft, "name": sample.name} == sample.document:
            return design
    return use_sample(sample=sample, caller=caller)


def delete_design(*, design: Design, revisions: Revisions = None) -> None:
    """Delete the design with its versions.

    Raises DesignInUse while deployments or executions (including undeployed and finished ones)
    refer to it, so that the history stays readable. Raises RowGone, and DraftChanged if the draft
    is at none of the `revisions`.
    """
    try:
        with transaction.atomic():
            locked = lock_draft(design, revisions, to_delete=True)
            if locked.is_referred_to():
                raise DesignInUse(IN_USE)
            locked.versions.all().delete()
            locked.delete()
            tell_after_commit(design.pk)
    except (ProtectedError, IntegrityError) as error:
        # It was deployed in the meantime.
        raise DesignInUse(IN_USE) from error


def apply_suggestions(
    *,
    design: Design,
    suggestions: Iterable[Mapping[str, Any]],
    caller: Caller,
    revisions: Revisions = None,
) -> Design:
    """Put suggested prompts into the draft, all or none.

    A suggestion has `block_id`, `agent_id`, `current_prompt`, `suggested_prompt`, `reasoning`. Only
    expressions of the current prompt remain expressions. Raises SuggestionsOutdated, NotAllowed,
    and DraftChanged if the draft is at none of the `revisions`.
    """
    if not caller.may("designs.change_design"):
        raise NotAllowed("Applying suggestions needs the right to change designs.")
    read = [read_suggestion(raw) for raw in suggestions]
    if not read or None in read:
        raise SuggestionsOutdated(["A suggestion names a block, an agent, and both prompts."])
    with transaction.atomic():
        locked = lock_draft(design, revisions)
        document, refusals = apply_to_document(locked.draft, filter(None, read))
        if refusals:
            raise SuggestionsOutdated(refusals)
        return change_draft(
            design=design, document=document, caller=caller, reason=Reason.SUGGESTIONS
        )


# --- Checks and files -----------------------------------------------------------------------------


def check_draft(design: Design) -> CheckResult:
    return check_with_nested(design.draft)


def import_designs(*, raw: object, caller: Caller) -> list[Imported]:
    """Save the designs of a file as new drafts, all or none.

    `raw` is the file's bytes, or its JSON value: one design or a list, in our layout or the nested
    one. Raises ImportRefused.
    """
    imported = []
    with transaction.atomic():
        for entry in _read(raw):
            document = found_here(entry.document, caller)
            design = create_design(document=document, caller=caller)
            warnings = list(entry.warnings)
            if count := len(check_draft(design).problems):
                problems = "a problem" if count == 1 else f"{count} problems"
                sentence = f"The draft has {problems} to solve before it can be published."
                warnings.append(Problem("", sentence))
            imported.append(Imported(design, tuple(warnings)))
    return imported


def read_file(*, raw: object, caller: Caller) -> list[Found]:
    """What `import_designs` would save. Raises ImportRefused."""
    found = []
    for entry in _read(raw):
        name = UNNAMED if is_blank(entry.document.get("name")) else ""
        document = storable(found_here(entry.document, caller), name)
        problems = tuple(check_with_nested(document).problems)
        found.append(Found(document, tuple(entry.warnings), problems))
    return found


def _read(raw: object) -> Sequence[ReadDesign]:
    file = read_design_file(raw) if isinstance(raw, bytes) else read_designs(raw)
    if file.problems:
        raise ImportRefused(file.problems)
    return file.designs


def export_design(design: Design) -> str:
    """The draft as JSON text; importing it gives a design with the same text."""
    note(Action.EXPORT, design)
    return design_text(with_names(design.draft))


def export_version(version: DesignVersion) -> str:
    note(Action.EXPORT, version)
    return design_text(with_names(version.document))


# --- Versions -------------------------------------------------------------------------------------


def restore_version(
    *, version: DesignVersion, caller: Caller, revisions: Revisions = None
) -> Design:
    """Raises what `change_draft` raises."""
    return _restore(version.design, version.document, caller, revisions)


def restore_checkpoint(
    *, checkpoint: DraftCheckpoint, caller: Caller, revisions: Revisions = None
) -> Design:
    """Raises what `change_draft` raises."""
    return _restore(checkpoint.design, checkpoint.document, caller, revisions)


def take_part(
    *,
    design: Design,
    source: object,
    kind: str,
    part_id: str,
    caller: Caller,
    block_id: str = "",
    revisions: Revisions = None,
) -> Design:
    """Put one part of a document, named as in a comparison, into the draft as it is there: also
    its absence. An agent is one of the block `block_id`. Raises PartGone, and what `change_draft`
    raises.
    """
    with transaction.atomic():
        locked = lock_draft(design, revisions)
        document = with_part(locked.draft, source, kind, part_id, block_id)
        if document is None:
            raise PartGone("The draft has no such part any more, nor has what it was taken from.")
        return _restore(design, document, caller, revisions)


def _restore(
    design: Design, document: dict[str, Any], caller: Caller, revisions: Revisions
) -> Design:
    return change_draft(
        design=design,
        document=document,
        caller=caller,
        revisions=revisions,
        reason=Reason.RESTORE,
    )


def publish_design(
    *, design: Design, caller: Caller, note: str = "", revisions: Revisions = None
) -> DesignVersion:
    """Make the draft the next version.

    Raises DesignInvalid with all problems, NotAllowed, and DraftChanged if the draft is at none of
    the `revisions`.
    """
    if not caller.may("designs.publish_design"):
        raise NotAllowed("Publishing a version needs the right to publish designs.")
    with transaction.atomic():
        locked = lock_draft(design, revisions)
        # Whoever publishes must see what the draft plays.
        checked = check_with_nested(locked.draft, caller)
        if checked.problems:
            raise DesignInvalid(checked.problems)
        # By name, because designs know nothing of how they are run.
        if problems := import_string(settings.TOOL_PROBLEMS)(locked.draft, caller):
            raise DesignInvalid(problems)
        last = locked.versions.aggregate(last=Max("number"))["last"] or 0
        version = DesignVersion.objects.create(
            design=locked,
            number=last + 1,
            document=locked.draft,
            note=masked(note),
            created_by_id=caller.user_id,
        )
        note_uses(version)
        return version


def version_of_design(*, design: Design, number: int) -> DesignVersion:
    """Raises VersionUnknown."""
    version = design.versions.filter(number=number).first()
    if version is None:
        raise VersionUnknown(f"This design has no version {number}.")
    return version


def version_to_deploy(*, design: Design, number: int | None, caller: Caller) -> DesignVersion:
    """The version of that number, or else the latest; a design without versions is published.

    Raises VersionUnknown, and the errors of `publish_design`.
    """
    if number is not None:
        return version_of_design(design=design, number=number)
    latest = design.latest()
    if latest is not None:
        return latest
    if not caller.may("designs.publish_design"):
        raise NotAllowed(
            "This design was never published. Ask someone who may publish designs, then deploy it."
        )
    return publish_design(design=design, caller=caller, note="Published by its first deployment")
