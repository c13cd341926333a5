"""Streamed answers are the same as whole ones, whatever the server does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executor.engine.breaker import Breaker, GuardedModel
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.executor.engine.stage import play
from tests.graphs import asking, design
from tests.model_server import Answer, Exchange, ModelServer, chunks, fails, replies, says


def stream(*lines: str) -> Answer:
    """These lines as the body of an event stream."""
    return replies("\n".join(lines) + "\n", content_type="text/event-stream")


def event(delta: Any, reason: str | None = None, **more: Any) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return f"data: {json.dumps({'choices': [choice], **more})}"


FINE = event({"content": "Fine."})
STOP = event({}, "stop")
WHOLE = '{"choices":[{"message":{"content":"Fine."}}]}'
GOOD = {
    "an end without a reason": chunks("Fi", "ne.", finish=None),
    "a reason without an end": chunks("Fi", "ne.", ends=False),
    "an empty event to keep alive": stream("data:", "", FINE, "", "data: ", "", STOP, ""),
    "comments and other fields": stream(": hi", "id: 1", "event: x", FINE, "", STOP, ""),
    "no delta with the reason": stream(FINE, "", event(None, "stop"), ""),
    "no blank lines": stream(FINE, STOP, "data: [DONE]"),
    "carriage returns": stream(FINE + "\r", "\r", STOP + "\r", "\r"),
    "no blank after the colon": stream(FINE.replace("data: ", "data:"), "", "data:[DONE]", ""),
    "an event over two lines": stream(
        'data: {"choices": [{"delta":', 'data: {"content": "Fine."}}]}', "", "data: [DONE]", ""
    ),
    "no index, no id": stream('data: {"choices": [{"delta": {"content": "Fine."}}]}', "", STOP, ""),
    "usage alone, before and behind": stream(
        'data: {"choices": [], "usage": null}', "", FINE, "", STOP, "", 'data: {"usage": {}}', ""
    ),
    "choices null": stream('data: {"choices": null}', "", FINE, "", STOP, ""),
    "parts": stream(event({"content": [{"type": "text", "text": "Fine."}]}), "", STOP, ""),
    "whole JSON": replies(WHOLE),
    "whole JSON said to be a stream": replies(WHOLE, content_type="text/event-stream"),
    "whole JSON over lines": replies('\ufeff\n{\n"choices":\n[{"message":{"content":"Fine."}}]}'),
    "the whole message in an event": stream(f"data: {WHOLE}", ""),
    "a stream said to be JSON": replies(f"{FINE}\n\n{STOP}\n\n"),
    "one value a line": replies(f"{FINE[6:]}\n{STOP[6:]}\n", content_type="application/x-ndjson"),
}  # fmt: skip


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
async def test_whatever_can_be_read_is_read_in_both_ways(
    server: ModelServer, answer: Answer
) -> None:
    model, deltas = model_at(server, "openai_compatible"), list[str]()
    server.then(answer, answer)
    watched = await model.complete(asking_for(), deltas.append)
    unwatched = await model.complete(asking_for())
    assert watched.text == unwatched.text == "".join(deltas) == "Fine."
    assert len(server.calls) == 2


async def test_a_server_that_never_hangs_up(server: ModelServer) -> None:
    def answer(exchange: Exchange) -> None:
        chunks("Fine.")(exchange)
        exchange.wait()

    server.then(answer)
    model = model_at(server, "openai_compatible")
    assert (await model.complete(asking_for(), lambda _: None)).text == "Fine."


def reset(exchange: Exchange) -> None:
    chunks("Fi", finish=None, ends=False)(exchange)
    exchange.reset()


BROKEN = {
    "neither reason nor end": chunks("Fi", finish=None, ends=False),
    "nothing": stream(""),
    "no JSON": stream("data: Fi", ""),
    "half of an event, its end": stream('data: "Fi"}}]}', "", FINE, "", STOP, ""),
    "half an event": stream('data: {"choices": [{"del', ""),
    "a page": replies("<html></html>", content_type="text/html"),
    "no choice": stream("data: {}", "", "data: [DONE]", ""),
    "an error of its own": stream('data: {"error": {"message": "No."}}', ""),
    "reset": reset,
    "refused": fails(400, "no"),
    "refused in words": fails(422, "streaming is not supported"),
    "not implemented": fails(501, ""),
    "failing": fails(500, "boom"),
}


class OneModel:
    def __init__(self, model: Any) -> None:
        self.model = model

    def resolve(self, name: str) -> Any:
        return self.model


def by_way(streamed: Answer) -> Answer:
    def answer(exchange: Exchange) -> None:
        (streamed if exchange.is_stream else says("Fine."))(exchange)

    return answer


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN.keys())
async def test_what_only_streaming_breaks_is_asked_as_a_whole_and_then_known(
    server: ModelServer, answer: Answer
) -> None:
    server.usual = by_way(answer)
    opened: list[str] = []
    breaker = Breaker("x", on_open=lambda name, *_: opened.append(name))
    models = OneModel(GuardedModel(model_at(server, "openai_compatible"), breaker))
    for _ in range(12):
        played = await play(design([asking("a", retries=0)]), models=models, stream=lambda: True)
        assert played.result == "Fine."
        assert played.waits == []
    assert opened == []
    streamed = [call.body.get("stream", False) for call in server.calls]
    assert streamed == [True] + [False] * 12


async def test_a_server_that_has_streamed_is_asked_to_again_after_an_accident(
    server: ModelServer,
) -> None:
    model = model_at(server, "openai_compatible")
    models = OneModel(model)
    server.then(chunks("Fine."), BROKEN["neither reason nor end"], says("Fine."), chunks("Fine."))
    for _ in range(3):
        played = await play(design([asking("a", retries=0)]), models=models, stream=lambda: True)
        assert played.result == "Fine."
    assert [call.body.get("stream", False) for call in server.calls] == [True, True, False, True]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ('{"error": {"message": "Slow down", "code": 429}}', ErrorKind.RATE_LIMIT),
        ('{"error": {"message": "Bad key", "code": "invalid_api_key"}}', ErrorKind.CREDENTIAL),
        ('{"error": {"message": "Spent", "code": 402}}', ErrorKind.QUOTA),
    ],
)
async def test_an_error_in_a_stream_is_of_the_class_of_its_code(
    server: ModelServer, said: str, kind: ErrorKind
) -> None:
    for answer in (stream(f"data: {said}", ""), stream("event: error", f"data: {said}", "")):
        server.then(answer)
        with pytest.raises(ModelError) as caught:
            await model_at(server, "openai_compatible").complete(asking_for(), lambda _: None)
        assert (caught.value.kind, caught.value.only_streaming) == (kind, False)


async def test_a_listener_that_fails_is_not_the_servers_fault(
    model: ProviderModel, server: ModelServer
) -> None:
    def listen(text: str) -> None:
        raise RuntimeError("The listener is broken.")

    with pytest.raises(RuntimeError, match="The listener is broken"):
        await model.complete(asking_for(), listen)
