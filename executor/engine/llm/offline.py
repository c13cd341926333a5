"""The stand-in: plays every role from the prompt alone, without any model, always the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from designs.patterns.base import Part
from designs.patterns.prompts import INSTRUCTION
from executor.engine.json_text import json_text
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.invention import invent
from executor.engine.llm.roles import play_role, speak_role
from executor.engine.llm.structured import check_schema, problems
from executor.engine.llm.wording import LABEL, extract, overlap, plain, sentences, shortened, stems

NAME = "offline:stand-in"
MOST_WORDS = 60
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
    asked = _without_instruction(request)
    value = play_role(asked, schema)
    if value is None or problems(value, schema):
        value = invent(schema, asked)
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


def _without_instruction(request: ModelRequest) -> ModelRequest:
    """The stand-in knows what to do by the purpose; its words are no material."""
    return replace(request, parts=[part for part in request.parts if part.label != INSTRUCTION])


def _text(request: ModelRequest) -> str:
    request = _without_instruction(request)
    spoken = speak_role(request)
    if spoken is not None:
        return spoken
    parts = [part for part in request.parts if plain(part.value)]
    if not parts:
        return "There is nothing to work on."
    task, material = plain(parts[0].value), parts[1:]
    if request.role in LEADERS and len(material) > 1:
        return _summary(material)
    if request.role == "reflector" and material:
        return _critique(task, material)
    text = "\n".join(plain(part.value) for part in material) or task
    return extract(text, f"{request.system} {task}", MOST_WORDS)


def _summary(material: list[Part]) -> str:
    """One line for each contribution."""
    lines = []
    for part in material:
        found = sentences(plain(part.value))
        lines.append(f"- {part.label}: {shortened(found[0], 25) if found else 'nothing'}")
    return "\n".join(lines)


def _critique(task: str, material: list[Part]) -> str:
    draft = plain(material[-1].value)
    known = set(stems(draft))
    missing = list(dict.fromkeys(word for word in stems(task) if word not in known))[:5]
    share = round(100 * overlap(stems(task), stems(draft)))
    if not missing:
        return "The draft takes up every word of the task."
    return f"The draft takes up {share} % of the task. It says nothing of: {', '.join(missing)}."
