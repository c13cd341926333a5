"""What can be done with executions: accept, cancel, run again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from designs.access import Caller
from designs.acting import acting_address
from designs.audit import Action, note
from designs.errors import VersionUnknown
from designs.masking import masked_value
from designs.models import Design, DesignVersion
from designs.services import version_of_design
from executor import faults, llm_provider, states, wakeups
from executor.documents import check_runnable, with_model
from executor.errors import ExecutionEnded, NotResumable
from executor.inputs import check_input, input_validator
from executor.models import Execution, Trigger
from executor.sending import send_execution
from executor.states import CANCELLED, Status

# A run without a deployment has no limit of its own; this is what a new deployment has.
TRY_SECONDS = 600.0


@dataclass(frozen=True)
class Order:
    """All that an execution freezes at acceptance. `limits` has the names of the engine's
    Limits.

    A `document` runs in the version's place; without a version it is a draft of `design_id`. The
    end of one that `settles` is told to deployments.
    """

    version: DesignVersion | None
    input_data: dict[str, Any]
    trigger: Trigger
    caller: Caller
    deployment_id: Any = None
    models: Sequence[str] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] | None = None
    design_id: Any = None
    settles: bool = False
    max_concurrent: int | None = None


def new_execution(order: Order, **fields: Any) -> Execution:
    """The row to insert, queued unless `fields` say otherwise. Nothing is written.

    A secret in the input is masked for the run too: what runs is what the history shows.
    """
    if "error" in fields:
        fields["error"] = masked_value(fields["error"])
    return Execution(
        deployment_id=order.deployment_id,
        design_id=order.version.design_id if order.version else order.design_id,
        version_id=order.version.pk if order.version else None,
        document=order.document,
        trigger_type=order.trigger,
        **_who(order.caller),
        input_data=masked_value(order.input_data),
        models_default=list(order.models or llm_provider.default_models()),
        limits=order.limits,
        deadline_at=_deadline(order.limits),
        settles=order.settles or None,
        max_concurrent=order.max_concurrent,
        **{"status": Status.QUEUED, "published_at": Now(), **fields},
    )


def _who(caller: Caller) -> dict[str, Any]:
    """Who started it, with which key, from where; what starts by itself comes from nowhere."""
    return {
        "triggered_by": caller.name,
        "user_id": caller.user_id,
        "key_id": caller.key_id,
        "caller_key": caller.key_identity,
        "caller_max_concurrent": caller.max_concurrent,
        "caller_address": acting_address() if caller.user_id is not None else None,
    }


def accept_execution(order: Order) -> Execution:
    """Write the execution, and wake a worker once that is committed."""
    return _accept(new_execution(order))


def try_design(
    *,
    design: Design,
    input_data: dict[str, Any],
    caller: Caller,
    version: int | None = None,
    model: str | None = None,
) -> Execution:
    """Start a run of the draft, or of a version, without a deployment.

    A `model` takes the place of every model that the design names. Raises DesignInvalid,
    InputInvalid, VersionUnknown, ModelUnavailable.
    """
    found = None if version is None else version_of_design(design=design, number=version)
    document = design.draft if found is None else found.document
    check_runnable(document)
    check_input(input_validator(document), input_data)
    if model is not None:
        llm_provider.check_model(model)
        document = with_model(document, model)
    is_as_published = found is not None and model is None
    order = Order(
        version=found,
        input_data=input_data,
        trigger=Trigger.MANUAL,
        caller=caller,
        models=() if model is None else (model,),
        limits={"seconds": TRY_SECONDS},
        document=None if is_as_published else document,
        design_id=design.pk,
    )
    with transaction.atomic():
        execution = accept_execution(order)
        note(Action.EXECUTE, execution, caller=caller, design=str(design))
    return execution


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
        wakeups.tell(execution.pk, Status.CANCELLED)
    else:
        wakeups.tell_cancel(execution.pk)


def rerun_execution(*, execution: Execution, caller: Caller, newest: bool = False) -> Execution:
    """Start it again with the same input, as a new execution: of the same version, or of the
    design's newest.

    Raises VersionUnknown, and for the newest DesignInvalid and InputInvalid.
    """
    if not newest:
        return _accept_again(Action.RERUN, execution, caller, rerun_of=execution)
    version = execution.design.latest()
    if version is None:
        raise VersionUnknown("This design was never published, so it has no newest version.")
    check_runnable(version.document)
    check_input(input_validator(version.document), execution.input_data)
    changed = {"version": version, "document": None}
    return _accept_again(Action.RERUN, execution, caller, rerun_of=execution, **changed)


def resume_execution(*, execution: Execution, caller: Caller) -> Execution:
    """Go on where it stopped, as a new execution of the same version.

    The finished steps of the old one are read from its journal: they are neither run nor paid
    again. Raises NotResumable.
    """
    if not execution.is_resumable:
        raise NotResumable(_why_not_resumable(execution))
    return _accept_again(Action.RESUME, execution, caller, resumed_from=execution)


def _why_not_resumable(execution: Execution) -> str:
    if execution.is_live:
        return "This execution has not ended: it goes on by itself."
    if execution.status == Status.COMPLETED:
        return "This execution was completed, so there is nothing left to do; run it again."
    return "This execution was refused before it began; start one with another input."


def _accept_again(action: Action, execution: Execution, caller: Caller, **fields: Any) -> Execution:
    """A new execution with what the old one has frozen, except for `fields`."""
    kept: dict[str, Any] = {
        "deployment_id": execution.deployment_id,
        "design_id": execution.design_id,
        "version_id": execution.version_id,
        "document": execution.document,
        "input_data": execution.input_data,
        "models_default": execution.models_default,
        "limits": execution.limits,
        "max_concurrent": execution.max_concurrent,
    }
    if "version" in fields:
        del kept["version_id"]
    again = Execution(
        trigger_type=Trigger.MANUAL,
        **_who(caller),
        deadline_at=_deadline(execution.limits),
        published_at=Now(),
        **{**kept, **fields},
    )
    with transaction.atomic():
        note(action, execution, caller=caller, new_execution=again.public_id)
        return _accept(again)


def _accept(execution: Execution) -> Execution:
    with transaction.atomic():
        execution.save(force_insert=True)
        transaction.on_commit(lambda: _send_accepted(execution), robust=True)
        faults.reach("accept.before")
    return execution


def _send_accepted(execution: Execution) -> None:
    faults.reach("accept.after")
    send_execution(execution.pk)


def _deadline(limits: dict[str, Any]) -> Any:
    """By the database's clock, like every time that a guard compares."""
    seconds = limits.get("seconds")
    return None if seconds is None else states.seconds_from_now(seconds)


def reject_execution(
    *,
    deployment_id: Any,
    version: DesignVersion,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    error: dict[str, Any],
) -> Execution:
    """Write an execution that failed before it could start, so that the history shows why."""
    order = Order(
        version=version,
        input_data=input_data,
        trigger=trigger,
        caller=caller,
        deployment_id=deployment_id,
    )
    execution = new_execution(
        order, status=Status.FAILED, completed_at=Now(), published_at=None, error=error
    )
    execution.save(force_insert=True)
    return execution
