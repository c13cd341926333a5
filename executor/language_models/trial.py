"""The test of a model connection: what its server answers, and what it does without."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from designs.patterns.base import Part
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.clients import Protocol, load
from executor.engine.llm.workarounds import Lack
from executor.language_models.connections import ConnectionModel

TRY_SECONDS = 20.0

_FIELDS = {
    Lack.JSON_SCHEMA: "takes_json_schema",
    Lack.SYSTEM_ROLE: "has_system_role",
    Lack.STREAMING: "streams",
}
_SAYS = {
    Lack.JSON_SCHEMA: "It takes no JSON schema: how an answer is to look stands in the prompt.",
    Lack.SYSTEM_ROLE: "It takes no system message: instructions stand in the user's.",
    Lack.STREAMING: "It does not stream: answers are asked for as a whole.",
}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a test: a sentence for people, and the fields of the connection by it."""

    sentence: str
    takes: dict[str, bool]


async def ask_in_each_way(model: ConnectionModel, protocol: Protocol) -> Found:
    """Ask plainly, with a schema, and streamed.

    Raises ModelError, or TimeoutError after 20 seconds, if the plain question is not answered.
    """
    # A process's first call imports modules for seconds, which are not the server's.
    await load(protocol)
    started = time.perf_counter()
    async with asyncio.timeout(TRY_SECONDS):
        target = await model.begin_test()
        began = time.perf_counter()
        answer = await model.complete(_question())
        seconds = time.perf_counter() - began
    answered = [Lack.SYSTEM_ROLE]
    with suppress(TimeoutError):
        async with asyncio.timeout(TRY_SECONDS - (time.perf_counter() - started)):
            if await _shows_schema(model):
                answered.append(Lack.JSON_SCHEMA)
            if await _is_streamed(model):
                answered.append(Lack.STREAMING)
    lacks = set(target.lacks)
    takes = {
        name: lack not in lacks
        for lack, name in _FIELDS.items()
        if lack in lacks or lack in answered
    }
    return Found(_sentence(answer, seconds, lacks), takes)


async def _shows_schema(model: ConnectionModel) -> bool:
    """Whether a question with a schema was answered, be it by what does not fit."""
    try:
        await model.complete(_question(schema=_SCHEMA))
    except ModelError as error:
        return error.kind is ErrorKind.CONTENT
    return True


async def _is_streamed(model: ConnectionModel) -> bool:
    """Whether it was answered as a stream; if only that failed, the whole answer shows it."""
    try:
        await model.complete(_question(), lambda _: None)
    except ModelError as error:
        if error.only_streaming:
            with suppress(ModelError):
                await model.complete(_question(whole=True))
        return False
    return True


def _question(**more: Any) -> ModelRequest:
    return ModelRequest(
        call_key=f"test:{uuid.uuid4()}",
        system="You are being tested. Answer in one word.",
        parts=(Part("Task", "Say hello."),),
        purpose="test",
        role="worker",
        timeout_seconds=TRY_SECONDS,
        **more,
    )


def _sentence(answer: ModelAnswer, seconds: float, lacks: set[Lack]) -> str:
    tokens = (
        f"with {answer.input_tokens:,} tokens in and {answer.output_tokens:,} out"
        if answer.has_usage
        else "without telling its tokens"
    )
    said = [f"{answer.model} answered in {round(1000 * seconds):,} ms, {tokens}."]
    return " ".join([*said, *(words for lack, words in _SAYS.items() if lack in lacks)])
