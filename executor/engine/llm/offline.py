"""The stand-in: plays every role from the prompt alone, deterministically and without any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from executor.engine.json_text import json_text
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.invention import invent
from executor.engine.llm.material import ASKING, material_of
from executor.engine.llm.offline_tools import wanted_calls, with_results
from executor.engine.llm.roles import name_of, play_role, spoken
from executor.engine.llm.structured import check_schema, problems
from executor.engine.llm.wording import LABEL, extract

NAME = "offline:stand-in"
MAX_WORDS = 60
# Reserved for the label and the agent's name in an answer with a limit.
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
        """The same request gives the same answer. Raises ModelError if it cannot fit the schema."""
        if request.tool_use is not None:
            if calls := wanted_calls(request, request.tool_use):
                return replace(_answer(request, ""), finish_reason="tool_call", calls=calls)
            request = with_results(request, request.tool_use)
        return self._spoken(request, on_delta)

    def _spoken(self, request: ModelRequest, on_delta: Callable[[str], None] | None) -> ModelAnswer:
        schema = request.schema
        if schema is None:
            answers = [p for p in request.parts if p.template is None and p.label not in ASKING]
            if request.role in LEADERS and len(answers) > 1:
                # A summary with a line for each contribution, whose label may end with its subtask.
                lines = [
                    f"- {part.label.partition(' for “')[0]}: "
                    f"{extract(material_of([part]), '', 25) or 'nothing'}"
                    for part in answers
                ]
                text = "\n".join([f"{LABEL} {name_of(request)}, on:", *lines])
            else:
                # The text must fit the agent's limit, as it is never cut off.
                limit = (request.max_output_tokens or MAX_WORDS + OPENING_WORDS) - OPENING_WORDS
                text = f"{LABEL} {spoken(request, max(1, min(MAX_WORDS, limit)))}"
            if on_delta is not None:
                for word in text.split(" "):
                    on_delta(f"{word} ")
            return _answer(request, text)
        check_schema(schema)
        value = play_role(request, schema)
        if value is None or problems(value, schema):
            value = invent(schema, request)
        answer = _answer(request, json_text(value))
        if misfits := problems(value, schema):
            sentence = f"The stand-in cannot make an answer for this schema: {'; '.join(misfits)}."
            raise ModelError(ErrorKind.CONTENT, sentence, spent=answer)
        return replace(answer, value=value)


def _answer(request: ModelRequest, text: str) -> ModelAnswer:
    """Tokens are counted as words."""
    sent = [request.system, *(json_text(part.value) for part in request.parts)]
    input_tokens, output_tokens = sum(len(part.split()) for part in sent), len(text.split())
    return ModelAnswer(
        text, NAME, None, input_tokens, output_tokens, Decimal(0), finish_reason="stop"
    )
