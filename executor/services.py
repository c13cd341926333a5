"""Services of executions: try a design, cancel, run again, resume."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from django.db import transaction

from designs.access import Caller
from designs.auditing.audit import Action, note
from designs.errors import DesignInvalid, VersionUnknown
from designs.models import Design, DesignVersion
from designs.services import version_of_design
from executor import states
from executor.acceptance import parts, tries
from executor.acceptance.edits import Edit, edits_of
from executor.acceptance.runs import AuditNote, Order, deployment_order, enqueue
from executor.decisions import withdraw
from executor.errors import ExecutionEnded, ModelUnavailable, NotAccepted, NotResumable
from executor.following import pubsub
from executor.history.lost import may_play_failed
from executor.history.outputs import run_to_read
from executor.history.placeholders import TextAsked, worth_of_texts
from executor.models import Execution, Status
from executor.states import CANCELLED

GONE = "Retention has removed its input, so it cannot be run again."
# Why a run is not started again, besides RightMissing.
REFUSALS: tuple[type[Exception], ...] = (
    NotAccepted, NotResumable, DesignInvalid, VersionUnknown, ModelUnavailable,
)  # fmt: skip


def try_design(
    *,
    design: Design,
    input_data: dict[str, Any] | None,
    caller: Caller,
    version: int | None = None,
    model: str | None = None,
    only: str | None = None,
    given: dict[str, Any] | None = None,
    from_execution: str | None = None,
) -> Execution:
    """Start a run of the draft, or of a version, without a deployment.

    A `model` replaces all that the design names. With `only`, only this block runs, as if others
    had delivered what is `given`, or what they did in an earlier run of the design; without an
    input it gets that run's. Raises RightMissing, NotAccepted, DesignInvalid, VersionUnknown,
    ModelUnavailable.
    """
    part, details = None, {"design": str(design)}
    if only is not None:
        run = from_execution and run_to_read(
            design=design, name=from_execution, caller=caller, field="from_execution"
        )
        part = parts.PartWanted(only, given or {}, run or None)
        details |= {"only": only, **({"from_execution": run.public_id} if run else {})}
        if input_data is None and run:
            input_data = run.input_data
    order = tries.order_of_try(
        design=design,
        version=None if version is None else version_of_design(design=design, number=version),
        draft=design.draft,
        input_data=input_data or {},
        caller=caller,
        model=model,
        part=part,
    )
    audit = AuditNote(Action.EXECUTE, details=details)
    return _enqueue_try(replace(order, audit=audit))


def evaluate_texts(
    *,
    design: Design,
    texts: Sequence[TextAsked],
    caller: Caller,
    execution_id: str | None = None,
    input_data: dict[str, Any] | None = None,
    document: Any = None,
) -> list[dict[str, Any]]:
    """What texts of the draft, or of the document, are worth with the data of a run of the design.

    Raises RightMissing, RunUnknown.
    """
    run = None
    if execution_id is not None:
        run = run_to_read(design=design, name=execution_id, caller=caller, field="execution_id")
    shown = design.draft if document is None else document
    return worth_of_texts(shown, texts, run=run, input_data=input_data)


def cancel_execution(*, execution: Execution, caller: Caller) -> None:
    """A waiting execution ends at once; the owner of a running one stops the call in flight.

    Raises ExecutionEnded.
    """
    error = {**CANCELLED, "message": f"Cancelled by {caller.name}."}
    with transaction.atomic():
        has_ended = states.cancel_unstarted(execution.pk, error=error)
        is_asked = not has_ended and states.request_cancel(execution.pk)
        if not (has_ended or is_asked):
            # It may have begun to wait between the two.
            has_ended = states.cancel_unstarted(execution.pk, error=error)
        if not (has_ended or is_asked):
            raise ExecutionEnded("This execution has ended already, so there is nothing to cancel.")
        if has_ended:
            withdraw(execution.pk)
        if caller.user_id is not None:
            note(Action.CANCEL, execution, caller=caller)
        # Subscribers read the row, and schedules cancel inside their own transaction.
        transaction.on_commit(
            lambda: (
                pubsub.publish_change(execution.pk, Status.CANCELLED)
                if has_ended
                else pubsub.publish_cancel(execution.pk)
            ),
            robust=True,
        )


def rerun_execution(
    *,
    execution: Execution,
    caller: Caller,
    newest: bool = False,
    input_data: dict[str, Any] | None = None,
) -> Execution:
    """Start a new execution with the same input or another, of the same version or the newest.

    Today's rules apply. Raises RightMissing, NotAccepted, DesignInvalid, VersionUnknown,
    ModelUnavailable.
    """
    version = execution.version
    if newest:
        version = execution.design.latest()
        if version is None:
            raise VersionUnknown("This design was never published, so it has no newest version.")
    again = execution
    if input_data is not None:
        again = copy(execution)
        again.input_data = input_data
    order = _order_again(again, version, caller)
    changed = {} if input_data is None else {"changed": "input"}
    audit = AuditNote(Action.RERUN, execution, details=changed)
    with transaction.atomic():
        _lock_journal(execution, [execution.pk])
        return _enqueue_again(replace(order, rerun_of=execution, audit=audit))


def resume_execution(
    *,
    execution: Execution,
    caller: Caller,
    block: str | None = None,
    given: Mapping[str, Any] | None = None,
    only: str | None = None,
) -> Execution:
    """Start a new execution of the same version that continues where the old one stopped, or from
    a `block`, which then gets what is `given`, by source, instead of what was delivered to it.

    It reads the old one's finished steps from the journal: they are neither run nor paid again,
    but count towards the limits. The chosen block and all that depends on it run again. With `only`
    (`failed`) a completed one is taken too: what failed in it, and what depends on that. Raises
    NotResumable, and what `rerun_execution` raises.
    """
    edit = None if block is None else Edit(block, given or {})
    is_open = execution.is_resumable_from_blocks if edit else execution.is_resumable
    if not (is_open or (only and may_play_failed(execution))):
        raise NotResumable(_why_not_resumable(execution, only))
    edited = edits_of(execution, edit, only)
    order = _order_again(execution, execution.version, caller)
    chosen = {"only": only} if only else {}
    chosen = chosen if edit is None else {"block": edit.block, "given": ", ".join(edit.given)}
    audit = AuditNote(Action.RESUME, execution, details=chosen)
    models = execution.models_default
    order = replace(order, models=models, resumed_from=execution, edited=edited, audit=audit)
    if execution.nested is not None:
        # The steps that it goes on from are those of these versions.
        order = replace(order, nested=execution.nested)
    with transaction.atomic():
        # The steps of an execution and of those that it resumed are its journal.
        journal: list[uuid.UUID] = []
        pk: uuid.UUID | None = execution.pk
        while pk is not None:
            journal.append(pk)
            rows = Execution.objects.filter(pk=pk)
            pk = rows.values_list("resumed_from", flat=True).first()
        _lock_journal(execution, journal)
        return _enqueue_again(order)


def refusal_text(refusal: Exception) -> str:
    """The refusal's sentence, with the problems of an invalid input."""
    errors: dict[str, list[str]] = getattr(refusal, "errors", None) or {}
    problems = [f"{path}: {text}" for path, texts in errors.items() for text in texts]
    return " ".join((str(refusal), *problems))


def may_start_again(caller: Caller, execution: Execution) -> bool:
    is_try = execution.deployment_id is None
    needed = tries.TRY_DESIGN if is_try else "deployments.execute_deployment"
    return caller.may("executor.operate_execution") and caller.may(needed)


def _why_not_resumable(execution: Execution, only: str | None) -> str:
    if execution.is_live:
        return "This execution has not ended: it goes on by itself."
    if execution.payload_removed_at is not None:
        return "Retention has removed its input and steps, so it cannot be resumed."
    if execution.status == Status.COMPLETED and only:
        return "Nothing failed in this execution that could be played again."
    if execution.status == Status.COMPLETED:
        return "This execution was completed, so there is nothing left to do; run it again."
    return "This execution was refused before it began; start one with another input."


def _lock_journal(execution: Execution, pks: list[uuid.UUID]) -> None:
    """Lock the executions that a new one reads, so that retention keeps them until it is accepted.

    The oldest first, as retention does. Raises NotResumable if retention was faster.
    """
    rows = Execution.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
    removed = dict(rows.values_list("pk", "payload_removed_at"))
    if execution.pk not in removed:
        raise NotResumable("Retention has removed this execution; start a new one.")
    if len(removed) < len(pks) or any(removed.values()):
        raise NotResumable(
            "Retention has removed steps that this execution goes on from; run it again."
            if len(pks) > 1
            else GONE
        )


def _order_again(execution: Execution, version: DesignVersion | None, caller: Caller) -> Order:
    if execution.payload_removed_at is not None:
        raise NotResumable(GONE)
    if execution.deployment_id is None or version is None:
        return tries.order_of_try_again(execution=execution, version=version, caller=caller)
    return deployment_order(execution=execution, version=version, caller=caller)


def _enqueue_again(order: Order) -> Execution:
    return enqueue(order) if order.deployment_id is not None else _enqueue_try(order)


def _enqueue_try(order: Order) -> Execution:
    with transaction.atomic():
        tries.take_place(order.caller)
        return enqueue(order)
