"""Removes texts and rows from the history in batches, for retention."""

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
from executor.models import (
    LIVE,
    BlockResult,
    DecisionRequest,
    Execution,
    ExecutionQuerySet,
    Step,
    ToolIntent,
    Vote,
)


def prunable() -> ExecutionQuerySet:
    """Executions that retention may change: counted, not held, not the journal of a live one."""
    rows = Execution.objects.filter(is_counted=True).exclude(status__in=LIVE)
    return rows.exclude(is_held=True).exclude(pk__in=_journals())


def lock(rows: Any, limit: int) -> list[uuid.UUID]:
    """Lock the first rows that are not locked yet, until this transaction ends."""
    if connection.features.has_select_for_update_skip_locked:
        rows = rows.select_for_update(skip_locked=True, of=("self",))
    return list(rows.values_list("pk", flat=True)[:limit])


def still_prunable(locked: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Those of the locked rows that are not the journal of a live execution.

    This sees resumed executions that were accepted between the query and the lock; later ones wait
    for the lock (`services.resume_execution`) and are refused.
    """
    journals = _journals() if locked else set()
    return [pk for pk in locked if pk not in journals]


def remove_payloads(pks: Sequence[uuid.UUID]) -> None:
    """Remove inputs, results, prompts, answers, and error texts that may quote them. The caller
    has locked the rows.
    """
    with transaction.atomic():
        Step.objects.filter(execution__in=pks).update(
            prompt=None, text="", output=None, calls=None, said=None
        )
        for block in BlockResult.objects.filter(execution__in=pks).exclude(error=None):
            block.error = error_without_quotes(block.error)
            block.save(update_fields=["error"])
        BlockResult.objects.filter(execution__in=pks).update(output=None, by_agent=None)
        requests = DecisionRequest.objects.filter(execution__in=pks)
        requests.update(question="", shown=None, answer=None)
        Vote.objects.filter(request__in=requests).update(reason="", answers=None)
        rows = Execution.objects.filter(pk__in=pks)
        # The column of the input takes JSON's null, but not the database's.
        null = Value(None, models.JSONField())
        empty = {
            "input_data": null,
            "given_outputs": None,
            "edited": None,
            "result_data": None,
            "payload_removed_at": Now(),
        }
        with_texts = rows.filter(~Q(error=None) | Q(degraded=True))
        for row in with_texts.only("error", "degraded_reasons"):
            Execution.objects.filter(pk=row.pk).update(
                error=error_without_quotes(row.error),
                degraded_reasons=reasons_without_quotes(row.degraded_reasons),
                **empty,
            )
        rows.filter(payload_removed_at=None).update(**empty)


def delete_executions(pks: Sequence[uuid.UUID]) -> None:
    """With their steps and blocks, but not their totals. The caller has locked the rows."""
    with transaction.atomic():
        Step.objects.filter(execution__in=pks).delete()
        BlockResult.objects.filter(execution__in=pks).delete()
        Vote.objects.filter(request__execution__in=pks).delete()
        DecisionRequest.objects.filter(execution__in=pks).delete()
        ToolIntent.objects.filter(execution__in=pks).delete()
        Execution.objects.filter(pk__in=pks).delete()


def hold(*, execution: Execution, caller: Caller, held: bool = True) -> None:
    """Exempt it from retention, or end that."""
    with transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(is_held=held or None)
        note(Action.UPDATE, execution, caller=caller, held=held)


def _journals() -> set[uuid.UUID]:
    """Executions that a live one resumes, directly or through others."""
    journals: set[Any] = set()
    resuming: Any = Execution.objects.live()
    while more := set(resuming.exclude(resumed_from=None).values_list("resumed_from", flat=True)):
        more -= journals
        journals |= more
        resuming = Execution.objects.filter(pk__in=more)
    return journals
