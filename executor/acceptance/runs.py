"""The one way to accept a run, whichever door it was requested at.

Doors and services describe the run in an `Order`; `accept` makes its first rows. They are written
either by a web process that carries the run itself, together with its lease or its end, or in the
caller's transaction, after which workers are notified.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Protocol

from django.db import models, transaction

from designs.access import Caller
from designs.acting import acting_address
from designs.auditing.audit import Action, new_entry
from designs.models import DesignVersion
from designs.rows.ids import new_id
from designs.rows.writing import insert_rows, inserts_of
from designs.runtime import faults
from designs.secrets.masking import masked_value
from executor import states
from executor.acceptance.parts import Part
from executor.following.sending import notify_workers
from executor.language_models import registry
from executor.models import Execution, Status, Trigger, seconds_from_now

# Makes a row that is written together with the execution.
RowMaker = Callable[[Execution], models.Model]


@dataclass(frozen=True)
class AuditNote:
    """An audit entry for the acceptance: about the new execution, or about an older one (`row`)."""

    action: Action
    row: Execution | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """All that an execution freezes at acceptance. `limits` has the names of the engine's Limits.

    A `document` runs instead of the version's; without a version it is a draft of `design_id`.
    `model_override` replaces all models that the document names. Of a `part` only that block runs.
    Deployments are notified of the end of a run that `settles`. `edited` and `nested` are as
    executions have them.
    """

    version: DesignVersion | None
    input_data: dict[str, Any]
    trigger: Trigger
    caller: Caller
    deployment_id: uuid.UUID | None = None
    models: Sequence[str] = ()
    limits: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] | None = None
    design_id: Any = None
    model_override: str | None = None
    part: Part | None = None
    settles: bool = False
    max_concurrent: int | None = None
    rerun_of: Execution | None = None
    resumed_from: Execution | None = None
    edited: dict[str, Any] | None = None
    nested: dict[str, Any] | None = None
    audit: AuditNote | None = None
    extra_rows: tuple[RowMaker, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The first rows of a run, to be written in one transaction."""

    execution: Execution
    extra_rows: tuple[models.Model, ...] = ()

    @property
    def rows(self) -> list[models.Model]:
        return [self.execution, *self.extra_rows, *self.execution.begun_blocks]


def accept(
    order: Order,
    *,
    execution_id: uuid.UUID | None = None,
    now: datetime | None = None,
    refused: dict[str, Any] | None = None,
) -> Accepted:
    """The unwritten rows of a queued execution, or of a failed one whose input was `refused`.

    `now` is the database's time if known: for many rows, values are cheaper to write than
    expressions. An order with an `audit` reads the database.
    """
    execution = _execution(order, execution_id or new_id(), now)
    if refused is not None:
        states.refuse_unwritten(execution, now=now, error=masked_value(refused))
    rows = [make(execution) for make in order.extra_rows]
    if order.audit is not None:
        row, details = order.audit.row, order.audit.details
        if row is not None:
            details = {"new_execution": execution.public_id, **details}
        entry = new_entry(order.audit.action, row or execution, caller=order.caller, **details)
        rows.append(entry)
    return Accepted(execution, tuple(rows))


def enqueue(order: Order) -> Execution:
    """Accept in a transaction; workers are notified after the commit."""
    accepted = accept(order)
    with transaction.atomic():
        write([accepted])
        transaction.on_commit(_notify_accepted, robust=True)
        faults.reach("accept.before")
    return accepted.execution


def write(accepted: Iterable[Accepted], also: Iterable[models.Model] = ()) -> None:
    """Insert all rows in the caller's transaction; notifies no worker."""
    insert_rows(inserts_of(chain.from_iterable((*(run.rows for run in accepted), also))))


def _notify_accepted() -> None:
    faults.reach("accept.after")
    notify_workers()


def _execution(order: Order, pk: uuid.UUID, now: datetime | None) -> Execution:
    """Secrets in the input are masked for the run too: the history shows exactly what runs."""
    caller = order.caller
    seconds = order.limits.get("seconds")
    deadline: Any = None
    if seconds is not None:
        # By the database's clock, like every time that a condition compares.
        deadline = seconds_from_now(seconds) if now is None else now + timedelta(seconds=seconds)
    execution = Execution(
        id=pk,
        deployment_id=order.deployment_id,
        design_id=order.version.design_id if order.version else order.design_id,
        version_id=order.version.pk if order.version else None,
        document=order.document,
        model_override=order.model_override,
        part=order.part and {"only": order.part.only, "label": order.part.label},
        given_outputs=order.part and masked_value(order.part.given),
        status=Status.QUEUED,
        trigger_type=order.trigger,
        triggered_by=caller.name,
        user_id=caller.user_id,
        key_id=caller.key_id,
        caller_key=caller.turn_key,
        caller_max_concurrent=caller.max_concurrent,
        # Runs that the installation starts by itself have no address.
        caller_address=acting_address() if caller.user_id is not None else None,
        input_data=masked_value(order.input_data),
        models_default=list(order.models or registry.default_models()),
        limits=order.limits,
        deadline_at=deadline,
        settles=order.settles or None,
        max_concurrent=order.max_concurrent,
        rerun_of=order.rerun_of,
        resumed_from=order.resumed_from,
        edited=order.edited,
        nested=order.nested,
    )
    if now is not None:
        execution.created_at = now
    return execution


def change_limit(*, deployment_id: uuid.UUID, max_concurrent: int | None) -> None:
    """Apply a deployment's new limit to its queued executions, in the caller's transaction."""
    queued = Execution.objects.queued().filter(deployment=deployment_id)
    queued.update(max_concurrent=max_concurrent)
    # There may be room now.
    transaction.on_commit(notify_workers, robust=True)


# --- Rules of deployments -------------------------------------------------------------------------


class Rules(Protocol):
    """Makes the order to run a deployment's execution again, by the rules of the app above."""

    def __call__(
        self, *, execution: Execution, version: DesignVersion, caller: Caller
    ) -> Order: ...


_rules: list[Rules] = []


def register_rules(rules: Rules) -> None:
    """Called when the app of deployments starts, since this app must not import it."""
    _rules[:] = [rules]


def deployment_order(*, execution: Execution, version: DesignVersion, caller: Caller) -> Order:
    """The order to run a deployment's execution again, by today's rules.

    Raises RightMissing, NotAccepted.
    """
    return _rules[0](execution=execution, version=version, caller=caller)
