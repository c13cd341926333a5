"""Formats states, durations and costs for the admin."""

from __future__ import annotations

from decimal import Decimal

from designs.admin.shown import EMPTY, state_badge
from executor.history.durations import as_duration
from executor.models import BlockResult, Execution, Step


def status_badge(row: Execution | BlockResult | Step) -> str:
    return state_badge(row.status, row.get_status_display())


def duration(milliseconds: int | None) -> str:
    return EMPTY if milliseconds is None else as_duration(milliseconds)


def cost(amount: Decimal | None) -> str:
    if amount is None:
        return EMPTY
    return f"${amount:.4f}" if amount else "$0"
