"""The text that the stand-in works on: the run's data, without instructions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from designs.graph.expressions import ExpressionError, Template
from designs.patterns.base import Part
from designs.patterns.prompts import INSTRUCTION, NOTE
from executor.engine.llm.wording import LABEL, plain, sentences

# The labels of parts with instructions, or with lists of agents.
ASKING = frozenset(
    {INSTRUCTION, NOTE, "Your subtask", "Workers", "Routes", "Debaters", "Agents", "Blocks",
     "Connections", "Correction", "Your last answer", "Feedback"}
)  # fmt: skip
# Keys whose texts are about the answer, not the subject.
ABOUT_THE_ANSWER = frozenset({"reason", "reasoning", "route", "routes", "agrees", "score"})
# How an answer of the stand-in begins.
_OPENING = re.compile(rf"{re.escape(LABEL)}\s*(?:[^\n:]{{1,200}}, on: )?")


def opening(name: str) -> str:
    return f"{name}, on: "


def material_of(parts: Sequence[Part]) -> str:
    """The sentences to work on, each once, in their order; empty if there are none."""
    texts: list[str] = []
    for part in parts:
        if part.label in ASKING:
            continue
        values: Iterable[str] = _leaves(part.value)
        if part.template is not None and isinstance(part.value, str):
            try:
                values = Template.compile(part.template).inserted(part.value)
            except ExpressionError:
                values = ()
        # Without the openings of earlier answers.
        texts += [_OPENING.sub("", value).strip() for value in values]
    # Single words and numbers count only if there is nothing else.
    phrases = [text for text in texts if len(text.split()) > 2]
    lines = [line for text in phrases or texts for line in sentences(text)]
    ends = (".", "!", "?")
    ended = (line if line.endswith(ends) or " " not in line else f"{line}." for line in lines)
    return " ".join(dict.fromkeys(ended))


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
