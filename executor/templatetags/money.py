"""Formats money for people."""

from __future__ import annotations

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def as_money(usd: Decimal | float) -> str:
    """`$1,204.50` from a dollar on, else four digits: `$0.0008`."""
    is_large = usd >= 1 or usd <= -1
    return f"${usd:,.2f}" if is_large or not usd else f"${usd:.4f}"
