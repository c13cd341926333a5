"""The one way by which a run is accepted, whatever door it was asked for at.

Doors and services say in an `Order` what is to run; `accept` makes the rows that it begins with.
Who carries the run differs only in who writes these rows: a web process together with its own
lease or with the end of the run, or the caller's transaction, after which a worker is woken.
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
from executor.following.sending import notify_workers
from executor.language_models import provider
from executor.models import Execution, Status, Trigger, seconds_from_now

# Makes a row that belongs to the execution and is written together with it.
RowMaker = Callable[[Execution], models.Model]


@dataclass(frozen=True)
class Audited:
    """What the audit says of an acceptance: of the new execution, or (`row`) of an older one."""

    action: Action
    row: Execution | None = None
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """All that an execution freezes at acceptance. `limits` has the names of the engine's
    Limits.

    A `document` runs in the version's place; without a version it is a draft of `design_id`.
    `model_override` is the model that was chosen in the place of all that the document names. The
    end of one that `settles` is told to deployments. `beside` makes the rows that belong to it.
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
    settles: bool = False
    max_concurrent: int | None = None
    rerun_of: Execution | None = None
    resumed_from: Execution | None = None
    audited: Audited | None = None
    beside: tuple[RowMaker, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The rows that a run begins with, to be written together or not at all."""

    execution: Execution
    beside: tuple[models.Model, ...] = ()

    @property
    def rows(self) -> list[models.Model]:
        return [self.execution, *self.beside, *self.execution.begun_blocks]


def accept(
    order: Order,
    *,
    execution_id: uuid.UUID | None = None,
    now: datetime | None = None,
    refused: dict[str, Any] | None = None,
) -> Accepted:
    """The rows of a queued execution, or of one that failed because its input was `refused`.

    Nothing is written. `now` is the database's time where that is known: times cost less to write
    than expressions, where rows are many. An audited order reads the database.
    """
    execution = _execution(order, execution_id or new_id(), now)
    if refused is not None:
        states.refuse_unwritten(execution, now=now, error=masked_value(refused))
    rows = [make(execution) for make in order.beside]
    if order.audited is not None:
        rows.append(_entry(order.audited, execution, order.caller))
    return Accepted(execution, tuple(rows))


def enqueue(order: Order) -> Execution:
    """Accept it in a transaction; a worker is woken once that is committed."""
    accepted = accept(order)
    with transaction.atomic():
        write([accepted])
        transaction.on_commit(_notify_accepted, robust=True)
        faults.reach("accept.before")
    return accepted.execution


def write(accepted: Iterable[Accepted], also: Iterable[models.Model] = ()) -> None:
    """Insert the rows of all, in the caller's transaction, and other rows of theirs; nobody is
    woken.
    """
    insert_rows(inserts_of(chain.from_iterable((*(one.rows for one in accepted), also))))


def _notify_accepted() -> None:
    faults.reach("accept.after")
    notify_workers()


def _execution(order: Order, pk: uuid.UUID, now: datetime | None) -> Execution:
    """A secret in the input is masked for the run too: what runs is what the history shows."""
    caller = order.caller
    execution = Execution(
        id=pk,
        deployment_id=order.deployment_id,
        design_id=order.version.design_id if order.version else order.design_id,
        version_id=order.version.pk if order.version else None,
        document=order.document,
        model_override=order.model_override,
        status=Status.QUEUED,
        trigger_type=order.trigger,
        triggered_by=caller.name,
        user_id=caller.user_id,
        key_id=caller.key_id,
        caller_key=caller.turn_key,
        caller_max_concurrent=caller.max_concurrent,
        # What starts by itself comes from nowhere.
        caller_address=acting_address() if caller.user_id is not None else None,
        input_data=masked_value(order.input_data),
        models_default=list(order.models or provider.default_models()),
        limits=order.limits,
        deadline_at=_deadline(order.limits, now),
        settles=order.settles or None,
        max_concurrent=order.max_concurrent,
        rerun_of=order.rerun_of,
        resumed_from=order.resumed_from,
    )
    if now is not None:
        execution.created_at = now
    return execution


def _entry(audited: Audited, execution: Execution, caller: Caller) -> models.Model:
    if audited.row is None:
        return new_entry(audited.action, execution, caller=caller, **audited.details)
    details = {"new_execution": execution.public_id, **audited.details}
    return new_entry(audited.action, audited.row, caller=caller, **details)


def _deadline(limits: dict[str, Any], now: datetime | None) -> Any:
    """By the database's clock, like every time that a guard compares."""
    seconds = limits.get("seconds")
    if seconds is None:
        return None
    return seconds_from_now(seconds) if now is None else now + timedelta(seconds=seconds)


def change_limit(*, deployment_id: uuid.UUID, max_concurrent: int | None) -> None:
    """Apply a deployment's new limit to its queued executions, in the caller's transaction."""
    queued = Execution.objects.queued().filter(deployment=deployment_id)
    queued.update(max_concurrent=max_concurrent)
    # There may be room now.
    transaction.on_commit(notify_workers, robust=True)


# --- What deployments ask -------------------------------------------------------------------------


class Rules(Protocol):
    """What the app above asks of a run of a deployment that is to be started once more."""

    def __call__(
        self, *, execution: Execution, version: DesignVersion, caller: Caller
    ) -> Order: ...


_rules: list[Rules] = []


def register_rules(rules: Rules) -> None:
    """Called as the app of deployments starts: that app is not known here."""
    _rules[:] = [rules]


def deployment_order(*, execution: Execution, version: DesignVersion, caller: Caller) -> Order:
    """What running a deployment's execution again freezes: the version with today's rules.

    Raises RightMissing, NotAccepted.
    """
    return _rules[0](execution=execution, version=version, caller=caller)
