"""Formats states, durations and costs for the admin."""

from __future__ import annotations

from decimal import Decimal

from designs.admin.shown import EMPTY, badge
from executor.models import BlockResult, BlockStatus, Execution, Status, Step
from executor.templatetags.durations import as_duration

# The kinds of badges; the other states of executions, blocks and steps have plain ones.
KINDS: dict[str, str] = {
    Status.QUEUED: "info",
    Status.RUNNING: "primary",
    Status.WAITING: "warning",
    Status.COMPLETED: "success",
    Status.FAILED: "danger",
    Status.TIMED_OUT: "danger",
    BlockStatus.SKIPPED: "warning",
}


def status_badge(row: Execution | BlockResult | Step) -> str:
    return badge(row.get_status_display(), KINDS.get(row.status, ""))


def duration(milliseconds: int | None) -> str:
    return EMPTY if milliseconds is None else as_duration(milliseconds)


def cost(amount: Decimal | None) -> str:
    if amount is None:
        return EMPTY
    return f"${amount:.4f}" if amount else "$0"
