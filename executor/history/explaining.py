"""Why a run failed, in the reader's words, and who else failed like it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from designs.access import Caller
from executor.models import Execution, ModelConnection
from executor.models.causes import cause_label, cause_of, read_cause

LOOKED_BACK = timedelta(days=1)
MAX_ALIKE = 100
# Classes by what mends them.
CONNECTION = frozenset({"credential", "unavailable", "quota", "rate_limit", "transient", "request"})
LIMIT = frozenset({"limit", "timed_out", "timeout", "memory"})
BLOCK = frozenset({"content", "expression", "block", "agent", "output", "design"})


@dataclass(frozen=True, slots=True)
class Explained:
    """`mended_by` is `connection`, `limit`, `block`, `input` or empty."""

    title: str
    text: str
    kind: str
    step: str
    block_id: str
    mended_by: str
    connection_id: Any = None


@dataclass(frozen=True, slots=True)
class Alike:
    """Other runs that failed the same way; `is_more` if there are more than are counted."""

    count: int
    is_more: bool
    since: datetime


def explain(execution: Execution) -> Explained | None:
    error = execution.error
    if not error:
        return None
    cause = read_cause(execution.cause or cause_of(error.get("class") or "internal"))
    mended_by = _mended_by(cause.kind)
    connection_id = None
    if mended_by == "connection" and cause.model:
        rows = ModelConnection.objects.filter(name=cause.model.partition(":")[0])
        connection_id = rows.values_list("pk", flat=True).first()
    return Explained(
        title=f"{cause_label(cause_of(cause.kind, cause.model or None))}.",
        text=execution.error_in_words,
        kind=cause.kind,
        step=error.get("step") or "",
        block_id=error.get("block_id") or "",
        mended_by=mended_by,
        connection_id=connection_id,
    )


def alike(execution: Execution, caller: Caller) -> Alike | None:
    """Runs of the last day with the same cause, this one included; None if it is the only one."""
    if not execution.cause:
        return None
    rows = Execution.objects.for_caller(caller).filter(cause=execution.cause)
    rows = rows.created_from(timezone.now() - LOOKED_BACK).order_by("-id")
    times = list(rows.values_list("created_at", flat=True)[: MAX_ALIKE + 1])
    if len(times) < 2:
        return None
    return Alike(min(len(times), MAX_ALIKE), len(times) > MAX_ALIKE, times[-1])


def _mended_by(kind: str) -> str:
    if kind == "input":
        return "input"
    groups = (("connection", CONNECTION), ("limit", LIMIT), ("block", BLOCK))
    return next((name for name, kinds in groups if kind in kinds), "")
