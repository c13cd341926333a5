"""How the admin shows what executions have: states, durations, costs."""

from __future__ import annotations

from decimal import Decimal

from designs.admin.shown import EMPTY, badge
from executor.models import BlockResult, BlockStatus, Execution, Status, Step
from executor.templatetags.durations import as_duration

KINDS: dict[str, str] = {
    Status.QUEUED: "info",
    Status.RUNNING: "primary",
    Status.WAITING: "warning",
    Status.COMPLETED: "success",
    Status.FAILED: "danger",
    Status.CANCELLED: "",
    Status.TIMED_OUT: "danger",
}
BLOCK_KINDS: dict[str, str] = {
    BlockStatus.PENDING: "",
    BlockStatus.RUNNING: "primary",
    BlockStatus.COMPLETED: "success",
    BlockStatus.SKIPPED: "warning",
    BlockStatus.FAILED: "danger",
}


def execution_badge(execution: Execution) -> str:
    return badge(execution.get_status_display(), KINDS.get(execution.status, ""))


def block_badge(row: BlockResult | Step) -> str:
    return badge(row.get_status_display(), BLOCK_KINDS.get(row.status, ""))


def duration(milliseconds: int | None) -> str:
    return EMPTY if milliseconds is None else as_duration(milliseconds)


def cost(amount: Decimal | None) -> str:
    """In dollars; nothing where the model's price is not known."""
    if amount is None:
        return EMPTY
    return f"${amount:.4f}" if amount else "$0"
