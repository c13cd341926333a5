"""Joins the parts of a prompt into one text."""

from __future__ import annotations

from collections.abc import Sequence

from designs.patterns.base import Part
from executor.engine.json_text import json_text

# Many servers refuse an empty message.
NOTHING_ASKED = "Do what your instructions say."


def user_text(parts: Sequence[Part]) -> str:
    """The value of a single part, or several values under their labels; never empty."""
    if len(parts) == 1:
        text = json_text(parts[0].value)
        return text if text.strip() else NOTHING_ASKED
    if not parts:
        return NOTHING_ASKED
    return "\n\n".join(f"{part.label}:\n{json_text(part.value)}" for part in parts)
