"""Limits of a run: each ends it with its own sentence, and never as a success."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from executor.engine.context import Timing
from executor.engine.limits import Limits
from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.stage import Stage, answer_of, down, play
from tests.graphs import agent, asking, chain, design, link, transform
from tests.virtual_time import count_turns_as_seconds, use_virtual_time


def three(**more: Any) -> dict[str, Any]:
    """Three calls, one after the other."""
    return design([asking(name, **more) for name in "abc"], chain("a", "b", "c"))


def wide(count: int, **settings: Any) -> dict[str, Any]:
    names = [f"m{number}" for number in range(count)]
    return design([asking("p", *names, kind="parallel", settings=settings)])


DEAR = {name: answer_of("text", 100, "0.01") for name in "abc"}


@pytest.mark.parametrize(
    ("limits", "sentence", "calls"),
    [
        (Limits(model_calls=2), "The limit of 2 model calls is reached and another is needed.", 2),
        (Limits(model_calls=0), "The limit of 0 model calls is reached and another is needed.", 0),
        (Limits(tokens=200), "The limit of 200 tokens is used up and another call is needed.", 2),
        (Limits(tokens=150), "200 tokens were used; the limit is 150.", 2),
        (Limits(tokens=299), "300 tokens were used; the limit is 299.", 3),
        (
            Limits(cost_usd=0.02),
            "The limit of 0.02 US dollars is used up, another call is needed.",
            2,
        ),
        (Limits(cost_usd=0.005), "0.0100 US dollars were spent; the limit is 0.005.", 1),
    ],
)
@pytest.mark.parametrize("on_error", ["fail", "continue"])
async def test_a_spent_limit_fails_the_run(
    limits: Limits, sentence: str, calls: int, on_error: str
) -> None:
    played = await play(three(on_error=on_error), DEAR, limits=limits)
    assert played.error == ("limit", sentence)
    assert played.outcome.status == "failed"
    assert len(played.stage.calls) == calls == played.outcome.usage.model_calls
    assert played.outcome.degraded == ()
    # What was paid for is in the record.
    assert len(played.journal.steps) == calls  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "limits", [Limits(model_calls=3), Limits(tokens=300), Limits(cost_usd=0.03), Limits(seconds=60)]
)
async def test_what_is_just_enough_is_enough(limits: Limits) -> None:
    played = await play(three(), DEAR, limits=limits)
    assert played.result == "text"
    usage = played.outcome.usage
    assert (usage.model_calls, usage.input_tokens, usage.output_tokens) == (3, 150, 150)
    assert usage.cost_usd == pytest.approx(0.03)


async def test_calls_are_counted_exactly_however_many_run_at_once() -> None:
    played = await play(wide(20, require=1), Stage(seed=1), limits=Limits(model_calls=7))
    assert played.error[0] == "limit"
    assert len(played.stage.calls) == 7


async def test_every_try_is_a_call() -> None:
    played = await play(three(), {"a": [down(), down(), "good"]}, limits=Limits(model_calls=2))
    assert played.error[0] == "limit"
    assert len(played.stage.calls) == 2


async def test_a_block_that_bears_losses_does_not_bear_a_limit() -> None:
    raw = wide(4, require=1, max_concurrency=1)
    played = await play(raw, limits=Limits(tokens=15))
    assert played.error[0] == "limit"
    assert len(played.stage.calls) == 2


async def test_refused_answers_count_too() -> None:
    wrong = ModelError(ErrorKind.CONTENT, "no.", spent=answer_of("x", 100, "1.5"))
    played = await play(design([asking("a")]), {"a": wrong})
    assert played.outcome.usage.cost_usd == 3
    assert played.outcome.usage.output_tokens == 100
    played = await play(design([asking("a")]), {"a": [wrong, "good"]}, limits=Limits(tokens=100))
    assert played.error[0] == "limit"
    assert len(played.stage.calls) == 1


async def test_calls_of_unknown_cost_leave_the_cost_unknown() -> None:
    assert (await play(three())).outcome.usage.cost_usd is None
    played = await play(three(), {"a": answer_of("x", 10, "0.25")})
    assert played.outcome.usage.cost_usd == 0.25


async def test_replayed_steps_count_against_limits() -> None:
    first = await play(three(), DEAR)
    kept = first.journal
    again = await play(three(), DEAR, journal=kept, limits=Limits(tokens=250))
    assert again.error[0] == "limit"
    assert again.stage.calls == []
    again = await play(three(), DEAR, journal=kept)
    assert again.outcome == first.outcome


# --- Time -----------------------------------------------------------------------------------------


async def test_time_that_runs_out_stops_the_calls_in_flight() -> None:
    use_virtual_time()
    stage = Stage(seconds=30)
    played = await play(wide(3), stage, limits=Limits(seconds=20))
    assert played.outcome.status == "timed_out"
    assert played.error == ("timeout", "The execution took longer than its limit of 20 seconds.")
    assert [what for what, _ in stage.log] == ["start"] * 3 + ["stopped"] * 3
    assert stage.busy == 0
    assert played.statuses == {"p": "failed"}


async def test_time_runs_out_during_a_wait_between_tries() -> None:
    use_virtual_time()
    raw = design([asking("a", on_error="continue")])
    played = await play(
        raw, {"a": down()}, limits=Limits(seconds=0.05), timing=Timing(random=lambda: 0.05)
    )
    # The next wait would end after the deadline, so that the block fails before it.
    assert played.outcome.status == "completed"
    assert played.outcome.degraded

    async def asleep(_: float) -> None:
        await asyncio.sleep(60)

    played = await play(raw, {"a": down()}, limits=Limits(seconds=0.6), timing=Timing(sleep=asleep))
    assert played.outcome.status == "timed_out"


async def test_time_is_kept_while_blocks_compute() -> None:
    """Blocks that compute in place give the clock its turn."""
    rows = "input.rows[*].{a: a, b: b} | length(@)"
    raw = design([transform(f"t{number}", rows) for number in range(200)])
    given = {"rows": [{"a": number, "b": 1} for number in range(15_000)]}
    count_turns_as_seconds()
    played = await play(raw, given=given, limits=Limits(seconds=100))
    assert played.outcome.status == "timed_out"
    assert 0 < len(played.outcome.block_outputs) < 200


async def test_a_run_that_is_done_in_time_is_not_timed_out() -> None:
    use_virtual_time()
    raw = design([asking("a", agent("x")), transform("b", "incoming")], [link("a", "b")])
    assert (await play(raw, Stage(seconds=4.9), limits=Limits(seconds=5))).result == "a/x/1/answer"
