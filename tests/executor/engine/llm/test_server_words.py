"""Words of servers are passed on: errors of any format, refusals, reasons of empty answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.llm.conftest import KEY, asking_for, model_at
from tests.model_server import Answer, ModelServer, fails, replies, says


async def error_of(server: ModelServer, answer: Answer) -> ModelError:
    server.then(answer)
    with pytest.raises(ModelError) as caught:
        await model_at(server, "openai_compatible").complete(asking_for())
    assert KEY not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"error": "'type' must be 'text'"}, 400, "'type' must be 'text'"),
        ({"error": {"message": "Not that."}}, 400, "Not that."),
        ({"message": "Not that."}, 400, "Not that."),
        ({"detail": "Not that."}, 404, "Not that."),
        ({"detail": [{"loc": ["body", "top_p"], "msg": "extra fields not permitted"}]}, 422,
         "at body/top_p: extra fields not permitted"),
        ({"errors": [{"message": "One."}, {"message": "Two."}]}, 400, "One.; Two."),
        ([{"error": {"code": 400, "message": "Not that."}}], 400, "Not that."),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": "Busy."}}}, 502,
         "Provider returned error: Busy."),
        ({"error": {"message": "Busy", "metadata": {"raw": '{"error": {"message": "Later."}}'}}},
         502, "Busy: Later."),
        ({"errors": {"top_p": ["Too large."]}}, 400, "at top_p: Too large."),
        ({"error": "invalid_request", "error_description": "Not that."}, 400, "Not that."),
        ("No such model.", 404, "No such model."),
    ],
)  # fmt: skip
async def test_errors_of_any_make(server: ModelServer, body: Any, status: int, words: str) -> None:
    error = await error_of(server, replies(body, status))
    assert f"({status}): {words}" in error.message


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"error": {"message": "Rate limit exceeded: a day", "code": 429}},
         ErrorKind.RATE_LIMIT, "asks for fewer requests (429): Rate limit exceeded: a day"),
        ({"error": {"message": "Rate limit exceeded"}}, ErrorKind.RATE_LIMIT, "Rate limit"),
        ({"error": {"message": "overloaded, try later"}}, ErrorKind.TRANSIENT,
         "cannot answer at the moment: overloaded, try later"),
        ({"error": "No such model", "code": "404"}, ErrorKind.REQUEST, "No such model"),
        ({"error": {"message": "x", "type": "invalid_request_error"}}, ErrorKind.REQUEST, "x"),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, ErrorKind.QUOTA, "no credit"),
        ({"error": {"message": "x", "code": 401}}, ErrorKind.CREDENTIAL, "refuses the key"),
        ({"object": "error", "message": "Not that.", "code": 400}, ErrorKind.REQUEST, "Not that."),
        ({"message": "overloaded"}, ErrorKind.TRANSIENT, "at the moment: overloaded"),
        ({"success": False, "errors": [{"message": "Not up."}]}, ErrorKind.TRANSIENT, "Not up."),
        ({"choices": None, "base_resp": {"status_msg": "rate limit"}}, ErrorKind.RATE_LIMIT,
         "asks for fewer requests: rate limit"),
        ({"status": 401, "title": "No", "detail": "x"}, ErrorKind.CREDENTIAL, "refuses the key"),
        ({"choices": [{"error": {"message": "Bad gateway", "code": 502}}]}, ErrorKind.TRANSIENT,
         "(502): Bad gateway"),
    ],
)  # fmt: skip
async def test_an_error_in_an_answer_that_says_success(
    server: ModelServer, body: Any, kind: ErrorKind, words: str
) -> None:
    error = await error_of(server, replies(body))
    assert error.kind is kind
    assert words in error.message


def choice(message: dict[str, Any], reason: str = "stop") -> Answer:
    said = {"role": "assistant", "content": None, **message}
    return replies({"choices": [{"index": 0, "message": said, "finish_reason": reason}]})


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (choice({"refusal": "I cannot help with that."}), ErrorKind.REQUEST,
         "the model refused: I cannot help with that."),
        (choice({"tool_calls": [{"function": {"name": "rm", "arguments": "{}"}}]}, "tool_calls"),
         ErrorKind.CONTENT, "called a tool (rm) instead of answering."),
        (choice({"function_call": {"name": "rm"}}), ErrorKind.CONTENT, "called a tool (rm)"),
        (choice({"content": "", "reasoning_content": "Hm. " * 20}, "length"), ErrorKind.CONTENT,
         "openai_compatible:small spent its tokens before it said anything: it was cut off"),
        (choice({"reasoning_content": "Hm."}), ErrorKind.CONTENT,
         "thought, and then said nothing."),
        (choice({"content": " \n"}), ErrorKind.CONTENT, "the answer of openai_compatible:small is"),
        (choice({"content": "x"}, "content_filter"), ErrorKind.REQUEST, "content filter stopped"),
    ],
)  # fmt: skip
async def test_an_answer_that_says_nothing_says_why(
    server: ModelServer, answer: Answer, kind: ErrorKind, words: str
) -> None:
    error = await error_of(server, answer)
    assert error.kind is kind
    assert words in error.message


@pytest.mark.parametrize("watched", [False, True])
async def test_an_answer_that_was_cut_off_says_so(server: ModelServer, watched: bool) -> None:
    for protocol in ("openai", "openai_compatible", "ollama", "anthropic"):
        server.then(says("Half an", finish="length"), says("Whole."))
        model, listener = model_at(server, protocol), (lambda _: None) if watched else None
        assert (await model.complete(asking_for(), listener)).finish_reason == "length"
        assert (await model.complete(asking_for(), listener)).finish_reason == "stop"


async def test_a_wrong_path_is_told_and_the_host_only_to_administrators(
    server: ModelServer,
) -> None:
    error = await error_of(server, replies("404 page not found", 404, "text/plain"))
    assert "(404): 404 page not found. The call went to /v1/chat/completions" in error.message
    assert error.address == f"{server.url}/chat/completions"
    assert str(server.port) not in error.message


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (403, {"error": {"message": "Your input was flagged."}}, ErrorKind.REQUEST, "was flagged"),
        (403, {"error": {"message": "Bad key."}}, ErrorKind.CREDENTIAL, "refuses the key"),
        (400, {"error": {"message": "Try again.", "code": "json_validate_failed"}},
         ErrorKind.CONTENT, "does not fit (400): Try again."),
        (498, {"error": {"message": "Full."}}, ErrorKind.TRANSIENT, "Full."),
        (308, "", ErrorKind.REQUEST, "enter that address in the connection"),
    ],
)  # fmt: skip
async def test_statuses_that_mean_something_else_than_their_class(
    server: ModelServer, status: int, body: Any, kind: ErrorKind, words: str
) -> None:
    error = await error_of(server, replies(body, status))
    assert error.kind is kind
    assert words in error.message


async def test_an_error_nested_without_an_end_is_read_once(server: ModelServer) -> None:
    body: Any = {}
    for _ in range(300):
        body = {"error": body}
    assert (await error_of(server, replies(body, 400))).kind is ErrorKind.REQUEST


async def test_a_coding_that_is_not_read_is_named(server: ModelServer) -> None:
    server.then(lambda exchange: exchange.send(200, b"\x8b", Content_Encoding="br"))
    with pytest.raises(ModelError) as caught:
        await model_at(server, "openai_compatible").complete(asking_for())
    assert "compressed as br, although that was not asked for. Turn it off" in caught.value.message


async def test_a_long_wait_is_told(server: ModelServer) -> None:
    error = await error_of(server, fails(429, "Slow down.", Retry_After="3600"))
    assert error.message.endswith("Slow down. It asks to wait 3,600 seconds.")


@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("Retry_After", "1.5", 1.5),
        ("Retry_After", "0", 0),
        ("Retry_After_Ms", "250", 0.25),
        ("Retry_After", "nan", None),
        ("Retry_After", "inf", None),
        ("Retry_After", "-3", None),
        ("Retry_After", "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Retry_After", "Wed, 99 Oct 2015", None),
    ],
)
async def test_how_long_to_wait(
    server: ModelServer, header: str, value: str, seconds: float | None
) -> None:
    assert (await error_of(server, fails(429, **{header: value}))).retry_after == seconds


async def test_how_long_to_wait_as_a_date_and_in_googles_words(server: ModelServer) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    wait = (await error_of(server, fails(429, Retry_After=date))).retry_after
    assert wait is not None
    assert 0 < wait <= 600
    body = {"error": {"code": 429, "message": "Slow", "details": [{"retryDelay": "3.5s"}]}}
    assert (await error_of(server, replies(body, 429))).retry_after == 3.5
