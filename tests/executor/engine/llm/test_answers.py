"""Answers of real servers: plain, streamed, structured, in each protocol; tokens and cost."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from designs.patterns.base import Part
from executor.engine.llm import providers
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import KEY, asking_for, model_at
from tests.model_server import Exchange, ModelServer, gives, says
from tests.virtual_time import move_clock

SCHEMA = {
    "type": "object",
    "properties": {"route": {"enum": ["billing", "sales"]}},
    "required": ["route"],
    "additionalProperties": False,
}


def system_of(body: dict[str, Any]) -> str:
    """The system prompt, wherever the protocol puts it."""
    found: str = body["system"] if "system" in body else body["messages"][0]["content"]
    return found


async def test_a_plain_answer(model: ProviderModel, server: ModelServer) -> None:
    server.then(says("Good day.", tokens=(12, 7)))
    answer = await model.complete(asking_for())
    assert (answer.text, answer.model, answer.value) == ("Good day.", model.name, None)
    assert (answer.input_tokens, answer.output_tokens) == (12, 7)
    (call,) = server.calls
    assert call.prompt == "Say hello."
    assert system_of(call.body) == "You are brief."
    assert call.body["model"] == model.name.partition(":")[2]
    assert KEY in (call.headers.get("authorization", ""), call.headers.get("x-api-key", "")) or (
        call.headers["authorization"] == f"Bearer {KEY}"
    )


async def test_loading_a_protocol_takes_none_of_its_time(
    model: ProviderModel, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def load(protocol: Any) -> None:
        await original(protocol)
        move_clock(asyncio.get_running_loop(), 3600)

    original = providers.load
    monkeypatch.setattr(providers, "load", load)
    server.then(says("Good day."))
    assert (await model.complete(asking_for())).text == "Good day."


async def test_several_parts_stand_under_their_labels(
    model: ProviderModel, server: ModelServer
) -> None:
    parts = [Part("Task", "Sum up."), Part("From a", {"rows": [1, "ä"]}), Part("From b", "text")]
    await model.complete(asking_for(parts=parts))
    assert server.calls[0].prompt == (
        'Task:\nSum up.\n\nFrom a:\n{"rows":[1,"ä"]}\n\nFrom b:\ntext'
    )


async def test_a_streamed_answer(model: ProviderModel, server: ModelServer) -> None:
    server.then(says("one two three", tokens=(3, 9)))
    pieces: list[str] = []
    answer = await model.complete(asking_for(), pieces.append)
    assert pieces == ["one ", "two ", "three"]
    assert answer.text == "one two three"
    assert (answer.input_tokens, answer.output_tokens) == (3, 9)
    assert server.calls[0].body["stream"] is True


async def test_text_is_told_as_it_comes(server: ModelServer) -> None:
    """The first words are there while the server still thinks about the last."""
    deltas = asyncio.Event()

    def slowly(exchange: Exchange) -> None:
        says("one two", events=2)(exchange)
        if exchange.wait(60):
            return

    server.then(slowly)
    task = asyncio.create_task(model_at(server).complete(asking_for(), lambda _: deltas.set()))
    await asyncio.wait_for(deltas.wait(), 60)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_structured_answer(model: ProviderModel, server: ModelServer) -> None:
    server.then(gives({"route": "sales"}))
    answer = await model.complete(asking_for(schema=SCHEMA))
    assert answer.value == {"route": "sales"}
    body = server.calls[0].body
    said = body.get("output_config") or body["response_format"]
    assert "billing" in str(said)
    # Servers of unknown make are told the schema in words too.
    hosted = model.name.startswith(("openai:", "anthropic:"))
    assert ("Answer only with JSON that fits" in system_of(body)) is not hosted


@pytest.mark.parametrize(
    ("schema", "sent", "value"),
    [
        ({"type": "array", "items": {"type": "integer"}}, {"value": [1, 2]}, [1, 2]),
        ({"enum": ["a", "b"]}, {"value": "b"}, "b"),
        ({"type": "boolean"}, {"value": False}, False),
    ],
)
async def test_servers_that_give_objects_only_wrap_the_rest(
    model: ProviderModel, server: ModelServer, schema: Any, sent: Any, value: Any
) -> None:
    server.then(gives(sent))
    assert (await model.complete(asking_for(schema=schema))).value == value


async def test_what_cannot_be_stored_is_replaced(model: ProviderModel, server: ModelServer) -> None:
    pieces: list[str] = []
    server.then(says("a\0b \ud800 c"), says("a\0b \ud800 c"))
    assert (await model.complete(asking_for())).text == "a\ufffdb \ufffd c"
    await model.complete(asking_for(), pieces.append)
    assert "".join(pieces) == "a\ufffdb \ufffd c"


async def test_cost_comes_from_the_price_list(server: ModelServer) -> None:
    server.usual = says("x", tokens=(1_000_000, 100_000))
    costs = {
        protocol: (await model_at(server, protocol).complete(asking_for())).cost_usd
        for protocol in ("openai", "anthropic", "openai_compatible")
    }
    assert costs["openai"] == Decimal("0.45")
    assert costs["anthropic"] is not None
    assert costs["anthropic"] > 1
    assert costs["openai_compatible"] is None
    free = ProviderModel(
        "local:x", Endpoint("openai_compatible", "x", server.url), ModelOptions(free=True)
    )
    assert (await free.complete(asking_for())).cost_usd == 0


async def test_a_model_without_a_price_has_no_cost(server: ModelServer) -> None:
    unknown = Endpoint("openai", "model-of-tomorrow", server.url, KEY)
    answer = await ProviderModel("openai:x", unknown, ModelOptions(priced=True)).complete(
        asking_for()
    )
    assert (answer.cost_usd, answer.input_tokens) == (None, 10)


async def test_how_a_model_is_asked(server: ModelServer) -> None:
    options = ModelOptions(
        max_tokens=50, max_schema_tokens=90, temperature=0.0, extra_body={"repeat_penalty": 1.1},
        bounded=True,
    )  # fmt: skip
    small = ProviderModel("local:x", Endpoint("openai_compatible", "x", server.url), options)
    await small.complete(asking_for())
    server.then(gives({"text": "x"}))
    open_ended = {"type": "object", "properties": {"text": {"type": "string"}}}
    await small.complete(asking_for(schema=open_ended))
    plain, structured = (call.body for call in server.calls)
    assert (plain["temperature"], plain["repeat_penalty"]) == (0.0, 1.1)
    limits = [b.get("max_tokens") or b["max_completion_tokens"] for b in (plain, structured)]
    assert limits == [50, 90]
    schema = structured["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["text"]["maxLength"] == 240
