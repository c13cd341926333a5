"""What the stand-in works on: the words of the run's data, never those that say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from designs.graph.expressions import ExpressionError, Template
from designs.patterns.base import Part
from designs.patterns.prompts import INSTRUCTION, NOTE
from executor.engine.llm.wording import LABEL, plain, sentences

# Parts that say what to do, or who is there to do it.
ASKING = frozenset(
    {INSTRUCTION, NOTE, "Your subtask", "Workers", "Routes", "Debaters", "Agents", "Blocks",
     "Connections", "Correction", "Your last answer", "Feedback"}
)  # fmt: skip
# Keys whose texts are about the answer, not the matter.
ABOUT_THE_ANSWER = frozenset({"reason", "reasoning", "route", "routes", "agrees", "score"})
# How an answer of the stand-in begins.
_OPENING = re.compile(rf"{re.escape(LABEL)}\s*(?:[^\n:]{{1,200}}, on: )?")


def opening(name: str) -> str:
    """How an answer begins: whose it would be."""
    return f"{name}, on: "


def material_of(parts: Sequence[Part]) -> str:
    """The texts to work on, each sentence once, in their order; empty if there is nothing."""
    found = [_bare(text) for part in parts if part.label not in ASKING for text in _texts(part)]
    # Single words and numbers say little beside a text.
    worded = [text for text in found if len(text.split()) > 2]
    lines = [_ended(line) for text in worded or found for line in sentences(text)]
    return " ".join(dict.fromkeys(lines))


def _texts(part: Part) -> Iterator[str]:
    if part.template is not None and isinstance(part.value, str):
        yield from _inserted(part.template, part.value)
    else:
        yield from _leaves(part.value)


def _inserted(template: str, text: str) -> Sequence[str]:
    try:
        return Template.compile(template).inserted(text)
    except ExpressionError:
        return ()


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in ABOUT_THE_ANSWER:
                yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield plain(value)


def _bare(text: str) -> str:
    """Without what earlier answers of the stand-in say of themselves."""
    return _OPENING.sub("", text).strip()


def _ended(line: str) -> str:
    return line if line.endswith((".", "!", "?")) or " " not in line else f"{line}."
