"""The stand-in: plays every role from the prompt alone, without any model, always the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from designs.patterns.base import Part
from executor.engine.json_text import json_text
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.invention import invent
from executor.engine.llm.material import ASKING, material_of
from executor.engine.llm.roles import name_of, play_role, spoken
from executor.engine.llm.structured import check_schema, problems
from executor.engine.llm.wording import LABEL, extract

NAME = "offline:stand-in"
MAX_WORDS = 60
# Of a bounded answer, what goes to its label and the agent's name.
OPENING_WORDS = 6
LEADERS = frozenset({"manager", "moderator"})


class StandIn:
    """Instant, free and deterministic; every text it gives says that it is the stand-in's."""

    @property
    def name(self) -> str:
        return NAME

    async def has_price(self) -> bool:
        return True

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        """The same request gives the same answer. Raises ModelError for a schema nothing fits."""
        if request.schema is not None:
            return _structured(request, request.schema)
        text = f"{LABEL} {_text(request)}"
        if on_delta is not None:
            for word in text.split(" "):
                on_delta(f"{word} ")
        return _answer(request, text)


def _structured(request: ModelRequest, schema: dict[str, object]) -> ModelAnswer:
    check_schema(schema)
    value = play_role(request, schema)
    if value is None or problems(value, schema):
        value = invent(schema, request)
    answer = _answer(request, json_text(value))
    if wrong := problems(value, schema):
        sentence = f"The stand-in cannot make an answer for this schema: {'; '.join(wrong)}."
        raise ModelError(ErrorKind.CONTENT, sentence, spent=answer)
    return replace(answer, value=value)


def _answer(request: ModelRequest, text: str) -> ModelAnswer:
    """Tokens are counted as words."""
    asked = len(request.system.split()) + sum(
        len(json_text(p.value).split()) for p in request.parts
    )
    return ModelAnswer(text, NAME, None, asked, len(text.split()), Decimal(0), finish_reason="stop")


def _text(request: ModelRequest) -> str:
    said = [part for part in request.parts if part.template is None and part.label not in ASKING]
    if request.role in LEADERS and len(said) > 1:
        return _summary(request, said)
    return spoken(request, _words(request))


def _words(request: ModelRequest) -> int:
    """How long an answer may be: it is never cut."""
    most = request.max_output_tokens
    return MAX_WORDS if most is None else max(1, min(MAX_WORDS, most - OPENING_WORDS))


def _summary(request: ModelRequest, said: list[Part]) -> str:
    """One line for each contribution."""
    lines = [f"{name_of(request)}, on:"]
    for part in said:
        # A subtask stands behind whose result it is.
        whose = part.label.partition(" for “")[0]
        lines.append(f"- {whose}: {extract(material_of([part]), '', 25) or 'nothing'}")
    return "\n".join(lines)
