"""The test of a model connection: does its server answer, and which features does it lack?"""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from designs.patterns.base import Part
from executor.engine.llm.base import ErrorKind, ModelError, ModelRequest
from executor.engine.llm.clients import Protocol, load
from executor.engine.llm.workarounds import Lack
from executor.language_models.connection_clients import LACK_FIELDS
from executor.language_models.connection_models import ConnectionModel

PROBE_SECONDS = 20.0

_SENTENCES = {
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
class ProbeResult:
    """A sentence for people, and new values for fields of the connection."""

    passed: bool
    sentence: str
    fields: dict[str, bool] = field(default_factory=dict)


async def probe_model(model: ConnectionModel, protocol: Protocol) -> ProbeResult:
    """Ask plainly, with a schema, and streamed.

    Raises ModelError, or TimeoutError after 20 seconds, if the plain question is not answered.
    """
    # A process's first call imports modules for seconds; that time is not the server's.
    await load(protocol)
    started = time.perf_counter()
    async with asyncio.timeout(PROBE_SECONDS):
        client = await model.begin_probe()
        began = time.perf_counter()
        answer = await model.complete(_question())
        milliseconds = round(1000 * (time.perf_counter() - began))
    checked = {Lack.SYSTEM_ROLE}
    with suppress(TimeoutError):
        async with asyncio.timeout(PROBE_SECONDS - (time.perf_counter() - started)):
            await _probe_features(model, checked)
    lacks = set(client.lacks)
    fields = {
        name: lack not in lacks
        for lack, name in LACK_FIELDS.items()
        if lack in lacks or lack in checked
    }
    tokens = (
        f"with {answer.input_tokens:,} tokens in and {answer.output_tokens:,} out"
        if answer.has_usage
        else "without telling its tokens"
    )
    sentences = [f"{answer.model} answered in {milliseconds:,} ms, {tokens}."]
    sentences += [sentence for lack, sentence in _SENTENCES.items() if lack in lacks]
    return ProbeResult(True, " ".join(sentences), fields)


async def _probe_features(model: ConnectionModel, checked: set[Lack]) -> None:
    """Add each feature as soon as it is checked, for a timeout may end this."""
    try:
        await model.complete(_question(schema=_SCHEMA))
        checked.add(Lack.JSON_SCHEMA)
    except ModelError as error:
        # The server took the schema, but the model did not follow it.
        if error.kind is ErrorKind.CONTENT:
            checked.add(Lack.JSON_SCHEMA)
    try:
        await model.complete(_question(), lambda _: None)
        checked.add(Lack.STREAMING)
    except ModelError as error:
        if error.only_streaming:
            # The answer as a whole shows whether only streaming is missing.
            with suppress(ModelError):
                await model.complete(_question(whole=True))


def _question(**more: Any) -> ModelRequest:
    return ModelRequest(
        call_key=f"test:{uuid.uuid4()}",
        system="You are being tested. Answer in one word.",
        parts=(Part("Task", "Say hello."),),
        purpose="test",
        role="worker",
        timeout_seconds=PROBE_SECONDS,
        **more,
    )
