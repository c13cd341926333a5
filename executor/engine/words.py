"""Numbers in sentences."""

from __future__ import annotations


def counted(number: float, noun: str) -> str:
    """`1 second`, `2.5 seconds`, `2,000 tokens`."""
    written = f"{number:g}" if isinstance(number, float) else f"{number:,}"
    return f"{written} {noun}" if number == 1 else f"{written} {noun}s"
