"""Takes texts and rows out of the history, a batch at a time: the hands of retention."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Q, Value
from django.db.models.functions import Now

from designs.access import Caller
from designs.auditing.audit import Action, note
from executor.history.quotes import error_without_quotes, reasons_without_quotes
from executor.models import LIVE, BlockResult, Execution, ExecutionQuerySet, Step

_NOTHING = Value(None, models.JSONField())


def prunable() -> ExecutionQuerySet:
    """Executions that retention may touch: counted, not held, and no journal of a live one."""
    rows = Execution.objects.filter(is_counted=True).exclude(status__in=LIVE)
    return rows.exclude(is_held=True).exclude(pk__in=_journals())


def lock(rows: Any, most: int) -> list[uuid.UUID]:
    """The first of them, which nobody else changes until this transaction ends."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows.values_list("pk", flat=True)[:most])


def still_prunable(locked: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Of those that are locked, those that no live one goes on from.

    One that was accepted after they were looked for, and before they were locked, is seen here; one
    that comes later waits for the lock (`services.resume_execution`) and finds them gone.
    """
    journals = _journals() if locked else set()
    return [pk for pk in locked if pk not in journals]


def remove_payloads(pks: Sequence[uuid.UUID]) -> None:
    """Their inputs, results, prompts and answers; words of errors that may quote them. The rows are
    locked by the caller.
    """
    with transaction.atomic():
        Step.objects.filter(execution__in=pks).update(prompt=None, text="", output=None)
        for block in BlockResult.objects.filter(execution__in=pks).exclude(error=None):
            block.error = error_without_quotes(block.error)
            block.save(update_fields=["error"])
        BlockResult.objects.filter(execution__in=pks).update(output=None)
        told = Execution.objects.filter(pk__in=pks).filter(~Q(error=None) | Q(degraded=True))
        for row in told.only("error", "degraded_reasons"):
            _empty(
                row.pk,
                error=error_without_quotes(row.error),
                degraded_reasons=reasons_without_quotes(row.degraded_reasons),
            )
        Execution.objects.filter(pk__in=pks, payload_removed_at=None).update(**_emptied())


def _empty(pk: uuid.UUID, **more: Any) -> None:
    Execution.objects.filter(pk=pk).update(**_emptied(), **more)


def _emptied() -> dict[str, Any]:
    # The column of the input takes JSON's null, but not the database's.
    return {"input_data": _NOTHING, "result_data": None, "payload_removed_at": Now()}


def delete_executions(pks: Sequence[uuid.UUID]) -> None:
    """With all that is theirs; the totals keep counting them. The rows are locked by the caller."""
    with transaction.atomic():
        Step.objects.filter(execution__in=pks).delete()
        BlockResult.objects.filter(execution__in=pks).delete()
        Execution.objects.filter(pk__in=pks).delete()


def hold(*, execution: Execution, caller: Caller, held: bool = True) -> None:
    """Keep it whatever retention says, or no longer."""
    with transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(is_held=held or None)
        note(Action.UPDATE, execution, caller=caller, held=held)


def _journals() -> set[uuid.UUID]:
    """Executions whose finished steps a live one goes on from."""
    found: set[Any] = set()
    live = Execution.objects.live().exclude(resumed_from=None)
    more: set[Any] = set(live.values_list("resumed_from", flat=True))
    while more:
        found |= more
        before = Execution.objects.filter(pk__in=more).exclude(resumed_from=None)
        more = set(before.values_list("resumed_from", flat=True)) - found
    return found
