"""Servers that are nearly compatible with OpenAI: the answer is right and paid for once."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import Answer, Exchange, ModelServer, fails, replies

USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def stream(*events: Any, resets: bool = False) -> Answer:
    """These events, of which texts stand as they are; `resets`: then the connection crashes."""

    def answer(exchange: Exchange) -> None:
        exchange.head(200, "text/event-stream")
        for event in events:
            said = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
            exchange.raw(said.encode())
        if resets:
            exchange.wait(0.05)
            exchange.reset()

    return answer


def one(text: str | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason, **more}]}


def whole(content: Any = "Fine.", reason: str = "stop", usage: Any = USAGE) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    return {"choices": [{"message": message, "finish_reason": reason}], "usage": usage}


def packed(data: bytes, coding: str) -> Answer:
    return lambda exchange: exchange.send(200, data, Content_Encoding=coding)


def at_length(body: str, length: int) -> Answer:
    def answer(exchange: Exchange) -> None:
        exchange.head(200, "application/json", Content_Length=str(length))
        exchange.raw(body.encode())

    return answer


BODY = json.dumps(whole()).encode()
END = one(None, "stop")
SO_FAR = {"role": "assistant", "content": "Fine."}
FINE = {
    "all so far beside each delta": stream(
        one("Fi", message={"content": "Fi"}), one("ne.", message=SO_FAR),
        {**one("", "stop", message=SO_FAR), "usage": USAGE},
    ),
    "all of it at the end": stream(
        one("Fi"), one("ne."), {**one(None, "stop", message=SO_FAR), "usage": USAGE}
    ),
    "an empty count at the end": stream({**one("Fine."), "usage": USAGE}, {**END, "usage": {}}),
    "a count of nothing at the end": stream(
        {**one("Fine."), "usage": USAGE},
        {**END, "usage": {"prompt_tokens": 0, "completion_tokens": 0}},
    ),
    "tokens in the choice": stream(one("Fine."), one(None, "stop", usage=USAGE)),
    "tokens under the server's own name": stream(
        one("Fine."), {**END, "x_groq": {"usage": USAGE}}
    ),
    "a crash behind the end": stream(one("Fine."), {**END, "usage": USAGE}, resets=True),
    "half an event behind the end": stream(one("Fine."), {**END, "usage": USAGE}, "data: {x\n\n"),
    "an error behind the end": stream(
        one("Fine."), {**END, "usage": USAGE}, {"error": {"message": "late"}}
    ),
    "counted from one": stream(one("Fine.", "stop", index=1), {"choices": [], "usage": USAGE}),
    "an index in text": stream(one("Fine.", "stop", index="0"), {"choices": [], "usage": USAGE}),
    "words to keep alive": stream(
        "data: ping\n\n", "data: null\n\n", one("Fine."), "data: ping\n\n", {**END, "usage": USAGE}
    ),
    "carriage returns alone": stream(
        *(f"data: {json.dumps(event)}\r\r" for event in (one("Fine."), {**END, "usage": USAGE}))
    ),
    "an end behind whole JSON": replies(f"{BODY.decode()}\n\ndata: [DONE]\n\n"),
    "more announced than came": at_length(BODY.decode(), len(BODY) + 100),
    "one part": replies(whole({"type": "text", "text": "Fine."})),
    "a thought among parts": replies(
        whole([{"type": "thinking", "thinking": [{}]}, {"type": "text", "text": "Fine."}])
    ),
    "tokens in text": replies(whole(usage={"prompt_tokens": "11", "completion_tokens": "7"})),
    "deflate without its head": packed(zlib.compress(BODY)[2:-4], "deflate"),
    "gzip in two": packed(gzip.compress(BODY[:40]) + gzip.compress(BODY[40:]), "gzip"),
    "gzip and something behind": packed(gzip.compress(BODY) + b"\0\0\0\0", "gzip"),
    "channels": replies(whole(
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant"
        "<|channel|>final<|message|>Fine."
    )),
}  # fmt: skip


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("answer", FINE.values(), ids=FINE.keys())
async def test_what_was_said_and_its_tokens_are_read_at_the_first_time(
    server: ModelServer, answer: Answer, watched: bool
) -> None:
    deltas: list[str] = []
    server.then(answer)
    model = model_at(server, "openai_compatible")
    answer = await model.complete(asking_for(), deltas.append if watched else None)
    assert answer.text == "Fine."
    assert (answer.input_tokens, answer.output_tokens, answer.has_usage) == (11, 7, True)
    assert "".join(deltas) == ("Fine." if watched else "")
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        # Thoughts that are in the total only are paid too.
        ({**USAGE, "total_tokens": 118}, (11, 107, True)),
        ({**USAGE, "total_tokens": 3}, (11, 7, True)),
        ({"prompt_tokens": 1743292800513000, "completion_tokens": 7}, (0, 7, False)),
    ],
)
async def test_tokens_that_make_no_sum(
    server: ModelServer, usage: Any, tokens: tuple[int, int, bool]
) -> None:
    server.then(replies(whole(usage=usage)))
    answer = await model_at(server, "openai_compatible").complete(asking_for())
    assert (answer.input_tokens, answer.output_tokens, answer.has_usage) == tokens


@pytest.mark.parametrize("watched", [False, True])
async def test_a_stream_that_breaks_off_is_no_answer_though_all_so_far_stands_in_it(
    server: ModelServer, watched: bool
) -> None:
    server.then(stream(one("Fi", message={"content": "Fi"})))
    with pytest.raises(ModelError) as caught:
        await model_at(server, "openai_compatible").complete(
            asking_for(), (lambda _: None) if watched else None
        )
    assert "broke off" in caught.value.message


@pytest.mark.parametrize("reason", ["model_length", "MAX_TOKENS", "context_length_exceeded"])
async def test_every_word_for_a_cut_is_one(server: ModelServer, reason: str) -> None:
    server.then(replies(whole(reason=reason)))
    answer = await model_at(server, "openai_compatible").complete(asking_for())
    assert answer.finish_reason == "length"


@pytest.mark.parametrize(
    ("answer", "kind", "tokens"),
    [
        (replies({**whole(), "choices": []}), ErrorKind.TRANSIENT, (11, 7)),
        (replies(whole(reason="insufficient_system_resource")), ErrorKind.TRANSIENT, (11, 7)),
        (replies(whole(reason="sensitive")), ErrorKind.REQUEST, (11, 7)),
        (stream({**one("Half"), "usage": USAGE}), ErrorKind.TRANSIENT, (11, 7)),
        # Nothing was told, so it is estimated.
        (stream(one("Half an answer")), ErrorKind.TRANSIENT, (6, 4)),
        (stream(one("x" * 1_000_001)), ErrorKind.CONTENT, (6, 250_001)),
        (fails(500), ErrorKind.TRANSIENT, None),
    ],
)  # fmt: skip
async def test_what_a_failed_call_used_is_counted(
    server: ModelServer, answer: Answer, kind: ErrorKind, tokens: tuple[int, int] | None
) -> None:
    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model_at(server, "openai_compatible").complete(asking_for())
    spent = caught.value.spent
    assert caught.value.kind is kind
    assert (spent and (spent.input_tokens, spent.output_tokens)) == tokens


async def test_what_came_before_the_time_was_over_is_counted(server: ModelServer) -> None:
    def answer(exchange: Exchange) -> None:
        stream(one("Half an answer"))(exchange)
        exchange.wait()

    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model_at(server, "openai_compatible").complete(asking_for(timeout_seconds=1.0))
    assert (caught.value.kind, caught.value.spent is None) == (ErrorKind.TIMEOUT, False)
