"""What can be done with executions: try a design, cancel, run again, resume."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

from django.db import transaction

from designs.access import Caller
from designs.auditing.audit import Action, note
from designs.errors import DesignInvalid, VersionUnknown
from designs.models import Design, DesignVersion
from designs.services import version_of_design
from executor import states
from executor.acceptance import tries
from executor.acceptance.runs import Audited, Order, deployment_order, enqueue
from executor.errors import ExecutionEnded, ModelUnavailable, NotAccepted, NotResumable
from executor.following import pubsub
from executor.models import Execution, Status
from executor.states import CANCELLED

GONE = "Retention has removed its input, so it cannot be run again."
# What starting a run again is refused with, beside RightMissing.
REFUSALS: tuple[type[Exception], ...] = (
    NotAccepted, NotResumable, DesignInvalid, VersionUnknown, ModelUnavailable,
)  # fmt: skip


def try_design(
    *,
    design: Design,
    input_data: dict[str, Any],
    caller: Caller,
    version: int | None = None,
    model: str | None = None,
) -> Execution:
    """Start a run of the draft, or of a version, without a deployment.

    A `model` takes the place of every model that the design names. Raises RightMissing,
    NotAccepted, DesignInvalid, VersionUnknown, ModelUnavailable.
    """
    found = None if version is None else version_of_design(design=design, number=version)
    order = tries.order_of_try(
        design=design,
        version=found,
        draft=design.draft,
        input_data=input_data,
        caller=caller,
        model=model,
    )
    audited = Audited(Action.EXECUTE, details={"design": str(design)})
    return _enqueue_try(replace(order, audited=audited))


def cancel_execution(*, execution: Execution, caller: Caller) -> None:
    """Stop it: at once if it waits, else its owner stops the call in flight. Raises
    ExecutionEnded.
    """
    error = {**CANCELLED, "message": f"Cancelled by {caller.name}."}
    with transaction.atomic():
        has_ended = states.cancel_unstarted(execution.pk, error=error)
        if not has_ended and not states.request_cancel(execution.pk):
            raise ExecutionEnded("This execution has ended already, so there is nothing to cancel.")
        if caller.user_id is not None:
            note(Action.CANCEL, execution, caller=caller)
        # A schedule cancels in a transaction of its own: who hears of it reads the row.
        transaction.on_commit(lambda: _tell_cancel(execution, has_ended), robust=True)


def _tell_cancel(execution: Execution, has_ended: bool) -> None:
    if has_ended:
        pubsub.publish_change(execution.pk, Status.CANCELLED)
    else:
        pubsub.publish_cancel(execution.pk)


def rerun_execution(*, execution: Execution, caller: Caller, newest: bool = False) -> Execution:
    """Start it again with the same input, as a new execution: of the same version, or of the
    design's newest.

    It asks what its first start would ask today. Raises RightMissing, NotAccepted, DesignInvalid,
    VersionUnknown, ModelUnavailable.
    """
    version = execution.version
    if newest:
        version = execution.design.latest()
        if version is None:
            raise VersionUnknown("This design was never published, so it has no newest version.")
    order = _order_again(execution, version, caller)
    audited = Audited(Action.RERUN, execution)
    with transaction.atomic():
        _keep(execution, [execution.pk])
        return _enqueue_again(replace(order, rerun_of=execution, audited=audited))


def resume_execution(*, execution: Execution, caller: Caller) -> Execution:
    """Go on where it stopped, as a new execution of the same version.

    The finished steps of the old one are read from its journal: they are neither run nor paid
    again, but count towards the limits. Raises NotResumable, and what `rerun_execution` raises.
    """
    if not execution.is_resumable:
        raise NotResumable(_why_not_resumable(execution))
    order = _order_again(execution, execution.version, caller)
    audited = Audited(Action.RESUME, execution)
    models = execution.models_default
    order = replace(order, models=models, resumed_from=execution, audited=audited)
    with transaction.atomic():
        _keep(execution, _sources(execution))
        return _enqueue_again(order)


def in_words(refusal: Exception) -> str:
    """Why a run was not started, with what is wrong with its input."""
    errors: dict[str, list[str]] = getattr(refusal, "errors", None) or {}
    found = [f"{path}: {text}" for path, texts in errors.items() for text in texts]
    return " ".join((str(refusal), *found))


def may_start_again(caller: Caller, execution: Execution) -> bool:
    """Whether the caller has the right that starting it anew needs."""
    is_try = execution.deployment_id is None
    needed = tries.TRY_DESIGN if is_try else "deployments.execute_deployment"
    return caller.may("executor.operate_execution") and caller.may(needed)


def _why_not_resumable(execution: Execution) -> str:
    if execution.is_live:
        return "This execution has not ended: it goes on by itself."
    if execution.payload_removed_at is not None:
        return "Retention has removed its input and steps, so it cannot be resumed."
    if execution.status == Status.COMPLETED:
        return "This execution was completed, so there is nothing left to do; run it again."
    return "This execution was refused before it began; start one with another input."


def _sources(execution: Execution) -> list[uuid.UUID]:
    """Itself and those that it went on from: the steps of all of them are its journal."""
    found: list[uuid.UUID] = []
    pk: uuid.UUID | None = execution.pk
    while pk is not None:
        found.append(pk)
        before = Execution.objects.filter(pk=pk).values_list("resumed_from", flat=True)
        pk = before.first()
    return found


def _keep(execution: Execution, pks: list[uuid.UUID]) -> None:
    """Lock what the new execution needs, so that retention leaves it alone until it is accepted.

    The oldest first, as retention does. Raises NotResumable if retention was there before.
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
