"""Which failed calls are retried, after how long, and with which model."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from executor.engine.context import Timing
from executor.engine.events import StepFailed
from executor.engine.limits import Limits
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.retry import MAX_RATE_LIMIT_SECONDS, MAX_RATE_LIMIT_WAITS, Tries
from tests.executor.engine.stage import Stage, answer_of, down, play
from tests.graphs import agent, asking, design
from tests.virtual_time import use_virtual_time

FINAL = [k for k in ErrorKind if k not in {"transient", "timeout", "rate_limit", "content"}]


def one(**more: Any) -> dict[str, Any]:
    return design([asking("a", **more)])


@pytest.mark.parametrize("kind", [ErrorKind.TRANSIENT, ErrorKind.TIMEOUT])
async def test_passing_failures_are_tried_again_with_growing_waits(kind: ErrorKind) -> None:
    played = await play(one(), {"a": [down(kind), down(kind), "good"]})
    assert played.result == "good"
    assert played.waits == [0.5, 1.0]
    assert played.outcome.usage.model_calls == 3
    assert played.outcome.degraded == ()


@pytest.mark.parametrize("kind", FINAL)
async def test_other_failures_are_final(kind: ErrorKind) -> None:
    played = await play(one(), {"a": [down(kind), "good"]})
    assert played.error[0] == kind
    assert (len(played.stage.calls), played.waits) == (1, [])


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (2, 3), (4, 5), (10, 5)])
async def test_a_block_says_how_often(retries: int, calls: int) -> None:
    played = await play(one(retries=retries), {"a": down()})
    assert played.error[0] == "transient"
    assert len(played.stage.calls) == calls
    assert played.waits == [0.5, 1.0, 2.0, 4.0][: calls - 1]


async def test_a_server_that_asks_for_time_gets_it() -> None:
    played = await play(one(), {"a": [down(after=7), down(after=0.1), "good"]})
    assert played.waits == [7, 1.0]


async def test_rate_limits_cost_no_try() -> None:
    limited = down(ErrorKind.RATE_LIMIT, after=2)
    played = await play(one(retries=0), {"a": [limited] * 8 + ["good"]})
    assert played.result == "good"
    assert played.waits == [2, 2, 2, 4, 8, 16, 30, 30]


async def test_rate_limits_that_tell_how_long_have_an_end_all_the_same() -> None:
    played = await play(one(retries=0), {"a": down(ErrorKind.RATE_LIMIT, after=50)})
    assert played.error[0] == "rate_limit"
    assert played.waits == [50] * 12
    assert sum(played.waits) <= MAX_RATE_LIMIT_SECONDS
    tries = Tries(0, Timing(random=lambda: 0.0))
    waits = [tries.wait_after(down(ErrorKind.RATE_LIMIT, after=1), None) for _ in range(100)]
    assert waits == [1.0] * MAX_RATE_LIMIT_WAITS + [None] * (100 - MAX_RATE_LIMIT_WAITS)


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (3, 4)])
@pytest.mark.parametrize("after", [None, 0.0])
async def test_a_rate_limit_that_does_not_tell_how_long_is_a_failed_try(
    retries: int, calls: int, after: float | None
) -> None:
    played = await play(one(retries=retries), {"a": down(ErrorKind.RATE_LIMIT, after=after)})
    assert played.error[0] == "rate_limit"
    assert played.outcome.usage.model_calls == calls


async def test_what_only_streaming_broke_is_asked_again_at_once_and_once() -> None:
    tries = Tries(0, Timing(random=lambda: 1.0))
    broken = down()
    broken.only_streaming = True
    assert tries.wait_after(broken, None) == 0.0
    assert tries.wait_after(broken, None) is None


async def test_waits_are_spread_by_chance() -> None:
    tries = [Tries(4, Timing(random=lambda share=share: share)) for share in (0.0, 0.25, 1.0)]
    assert [t.wait_after(down(), None) for t in tries] == [0.0, 0.125, 0.5]


async def test_no_wait_goes_beyond_a_deadline() -> None:
    played = await play(one(timeout_seconds=5), {"a": [down(after=6), "good"]})
    assert (played.error[0], played.waits) == ("transient", [])
    played = await play(one(), {"a": [down(ErrorKind.RATE_LIMIT, after=60), "x"]},
                        limits=Limits(seconds=30))  # fmt: skip
    assert (played.error[0], played.waits) == ("rate_limit", [])
    played = await play(one(timeout_seconds=5), {"a": [down(after=4), "good"]})
    assert played.result == "good"


async def test_every_failed_try_is_told() -> None:
    played = await play(one(retries=1), {"a": down()})
    failed = [event for event in played.events if isinstance(event, StepFailed)]
    assert [(event.tries, event.final, event.key) for event in failed] == [
        (1, False, "a/writer/1/answer"), (2, True, "a/writer/1/answer"),
    ]  # fmt: skip
    assert failed[0].error.message == "agent 'writer' got no answer: it is down."


# --- Fallback models ------------------------------------------------------------------------------


def chained(*models: str) -> dict[str, Any]:
    return design([asking("a", agent("writer", model=list(models)))])


async def test_the_next_model_is_asked_when_one_is_spent() -> None:
    played = await play(chained("x:1", "x:2", "x:3"), {"x:1": down(), "x:2": down(ErrorKind.QUOTA)})
    assert [model for model, _ in played.stage.asked] == ["x:1"] * 3 + ["x:2", "x:3"]
    (step,) = played.journal.steps.values()  # type: ignore[attr-defined]
    assert (step.model, step.tries) == ("x:3", 5)
    finals = [event.final for event in played.events if isinstance(event, StepFailed)]
    assert finals == [False] * 4


async def test_a_model_that_is_not_there_is_passed_over() -> None:
    stage = Stage(missing=frozenset({"x:1"}))
    played = await play(chained("x:1", "x:2"), stage)
    assert [model for model, _ in played.stage.asked] == ["x:2"]
    played = await play(chained("x:1"), Stage(missing=frozenset({"x:1"})))
    assert played.error == (
        "unavailable", "Block 'a': agent 'writer' got no answer: There is no model 'x:1'.",
    )  # fmt: skip


async def test_with_a_fallback_a_rate_limit_is_not_waited_out() -> None:
    limited = down(ErrorKind.RATE_LIMIT, after=1)
    played = await play(chained("x:1", "x:2"), {"x:1": limited})
    assert [model for model, _ in played.stage.asked] == ["x:1"] * 3 + ["x:2"]
    assert played.waits == [1, 1]


async def test_the_last_failure_of_a_chain_is_told() -> None:
    played = await play(chained("x:1", "x:2"), {"x:1": down(ErrorKind.QUOTA),
                                                "x:2": down(ErrorKind.CREDENTIAL)})  # fmt: skip
    assert played.error[0] == "credential"


@pytest.mark.parametrize(
    ("own", "designs", "asked"),
    [("x:own", "x:design", "x:own"), (None, "x:design", "x:design"), (None, None, "x:default")],
)
async def test_whose_model_counts(own: str | None, designs: str | None, asked: str) -> None:
    raw = design([asking("a", agent("w", model=own))], model=designs)
    played = await play(raw, default_models=("x:default",))
    assert [model for model, _ in played.stage.asked] == [asked]


async def test_without_any_model_the_sentence_says_what_to_do() -> None:
    kind, message = (await play(one(), default_models=())).error
    assert kind == "unavailable"
    assert "name one in the design or in ORCHESTRA_MODEL" in message


# --- Answers that do not fit ----------------------------------------------------------------------


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    empty = ModelError(ErrorKind.CONTENT, "the answer is empty.", spent=answer_of("", 4))
    played = await play(one(retries=0), {"a": [empty, "good"]})
    assert played.result == "good"
    second = played.stage.prompt("a/writer/1/answer")
    assert (
        second["Correction"] == "Your last answer does not fit: the answer is empty. Answer again."
    )
    assert played.outcome.usage.input_tokens + played.outcome.usage.output_tokens == 14
    played = await play(one(), {"a": empty})
    assert (played.error[0], len(played.stage.calls)) == ("content", 2)


async def test_a_fallback_model_is_not_told_of_anothers_answer() -> None:
    wrong = ModelError(ErrorKind.CONTENT, "it is wrong.", spent=answer_of("nonsense"))
    played = await play(chained("x:1", "x:2"), {"x:1": wrong})
    assert [model for model, _ in played.stage.asked] == ["x:1", "x:1", "x:2"]
    labels = [[part.label for part in request.parts] for request in played.stage.requests]
    assert labels == [["Task"], ["Task", "Your last answer", "Correction"], ["Task"]]


async def test_a_block_that_takes_too_long() -> None:
    use_virtual_time()
    played = await play(one(timeout_seconds=30), {"a": lambda _: asyncio.sleep(60, "never")})
    assert played.error == ("timeout", "Block 'a': it took longer than its limit of 30 seconds.")
    assert played.stage.log[-1] == ("stopped", "a/writer/1/answer")
