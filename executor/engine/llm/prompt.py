"""The parts of a prompt as one text: what is asked first, then labelled data."""

from __future__ import annotations

from collections.abc import Sequence

from designs.patterns.base import Part
from executor.engine.json_text import json_text


def user_text(parts: Sequence[Part]) -> str:
    """A single part stands alone; several stand under their labels."""
    if len(parts) == 1:
        return json_text(parts[0].value)
    return "\n\n".join(f"{part.label}:\n{json_text(part.value)}" for part in parts)
