"""Figures in words, as pages of deployments write them."""

from __future__ import annotations

from decimal import Decimal


def dollars(cost: Decimal) -> str:
    """`$1.12`, `$0.0008`, `$0`."""
    return f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}" if cost else "$0"


def cost_of(cost: Decimal | None, model_calls: int) -> str:
    """`no model` where none was called, `–` where the price is unknown."""
    if not model_calls:
        return "no model"
    return "–" if cost is None else dollars(cost)


def percent(share: float | None) -> str:
    """`98.2 %`; it says 100 only if all did, and 0 only if none did."""
    if share is None:
        return "–"
    return f"{share:.0f} %" if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f} %"


def minutes(seconds: int) -> str:
    whole, rest = divmod(seconds, 60)
    if not whole:
        return f"{seconds} s"
    return f"{whole} min {rest} s" if rest else f"{whole} min"
