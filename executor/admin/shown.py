"""Formats states, durations and costs for the admin."""

from __future__ import annotations

from decimal import Decimal

from django.template.loader import render_to_string

from designs.admin.shown import EMPTY
from executor.models import BlockResult, Execution, Step
from executor.templatetags.durations import as_duration


def status_badge(row: Execution | BlockResult | Step) -> str:
    """The same sign and word as on the pages."""
    return render_to_string(
        "includes/_state.html", {"state": row.status, "word": row.get_status_display()}
    )


def duration(milliseconds: int | None) -> str:
    return EMPTY if milliseconds is None else as_duration(milliseconds)


def cost(amount: Decimal | None) -> str:
    if amount is None:
        return EMPTY
    return f"${amount:.4f}" if amount else "$0"
