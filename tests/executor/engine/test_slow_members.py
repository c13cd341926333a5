"""Members that are too slow are dropped, and the block continues as after any failure."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from executor.engine.limits import Limits
from tests.executor.engine.stage import Played, play
from tests.graphs import agent, asking, design
from tests.virtual_time import use_virtual_time

SHARE = "it did not come within its share of the time that was left"
JUDGE = agent("judge", "moderator")


@pytest.fixture(autouse=True)
async def clock() -> None:
    use_virtual_time()


def after(seconds: float, text: str) -> Any:
    async def answer(_: object) -> str:
        await asyncio.sleep(seconds)
        return text

    return lambda request: answer(request)


def block(kind: str, *agents: Any, seconds: float | None = 100, **settings: Any) -> dict[str, Any]:
    more = {} if seconds is None else {"timeout_seconds": seconds}
    return design([asking("p", *agents, kind=kind, settings=settings, retries=0, **more)])


def usage_is_recorded(played: Played) -> bool:
    steps = played.journal.steps.values()  # type: ignore[attr-defined]
    return sum(step.tries for step in steps) == played.outcome.usage.model_calls


async def test_enough_members_make_a_result_at_the_end_of_their_time() -> None:
    raw = block("parallel", "x", "y", "z", require=2)
    played = await play(raw, {"x": "X", "y": after(1000, "late"), "z": after(90, "Z")})
    assert played.result == {"x": "X", "z": "Z"}
    assert played.outcome.degraded == (
        f"No answer came from y (agent 'y' got no answer: {SHARE}).",
    )
    assert ("stopped", "p/y/1/answer") in played.stage.log
    assert played.outcome.usage.model_calls == 3
    assert usage_is_recorded(played)


async def test_the_aggregator_keeps_time_of_its_own() -> None:
    raw = block("parallel", "x", "y", JUDGE, require=1)
    script = {"x": "X", "y": after(1000, "late"), "judge": after(20, "both")}
    assert (await play(raw, script)).result == "both"


async def test_the_time_of_the_run_counts_like_the_blocks() -> None:
    raw = block("parallel", "x", "y", JUDGE, require=1, seconds=None)
    played = await play(raw, {"y": after(1000, "late")}, limits=Limits(seconds=60))
    assert played.result == "p/judge/1/aggregate"
    assert played.outcome.degraded


async def test_members_that_wait_their_turn_get_time_too() -> None:
    raw = block("parallel", "v", "w", "x", "y", require=2, max_concurrency=1)
    played = await play(raw, {"v": after(1000, "late"), "w": after(1000, "late")})
    assert played.result == {"x": "p/x/1/answer", "y": "p/y/1/answer"}


async def test_where_all_are_needed_nobody_is_given_up_before_the_end() -> None:
    raw = block("parallel", "x", "y", JUDGE)
    script = {"x": "X", "y": after(97, "Y"), "judge": after(2, "both")}
    assert (await play(raw, script)).result == "both"
    played = await play(raw, {"y": after(1000, "late")})
    assert played.error == ("timeout", "Block 'p': it took longer than its limit of 100 seconds.")


async def test_an_agents_own_time_counts_instead_of_its_share() -> None:
    slow = agent("y", timeout_seconds=90)
    raw = block("parallel", "x", slow, JUDGE, require=1)
    played = await play(raw, {"y": after(85, "Y"), "judge": after(5, "both")})
    assert (played.result, played.outcome.degraded) == ("both", ())
    slow["timeout_seconds"] = 1
    played = await play(raw, {"y": after(2, "Y")})
    assert played.outcome.degraded == (
        "No answer came from y (agent 'y' got no answer: "
        "it took longer than its limit of 1 second).",
    )


async def test_an_agents_own_time_needs_no_blocks_time() -> None:
    raw = design([asking("a", agent("w", timeout_seconds=2.5))])
    played = await play(raw, {"w": after(3, "late")})
    assert played.error == (
        "timeout",
        "Block 'a': agent 'w' got no answer: it took longer than its limit of 2.5 seconds.",
    )  # fmt: skip
    [request] = played.stage.requests
    assert request.timeout_seconds == 2.5


async def test_a_slow_debater_forfeits_each_round() -> None:
    raw = block("debate", "x", "y", "z", JUDGE, rounds=3)
    verdict = json.dumps({"reason": "r", "winner": "x", "answer": "so"})
    script = {"z": after(1000, "late"), "judge": verdict,
              "p/x/2/reply": '{"answer": "mine", "agrees": false}',
              "p/y/2/reply": '{"answer": "other", "agrees": false}'}  # fmt: skip
    played = await play(raw, script)
    assert played.result == "so"
    assert [reason[:30] for reason in played.outcome.degraded] == [
        f"Round {number}: No answer came from z" for number in (1, 2, 3)
    ]


async def test_a_slow_workers_subtask_is_named_as_not_done() -> None:
    raw = block("hierarchical", agent("lead", "manager"), "x", "y")
    plan = json.dumps({"subtasks": [{"worker": "x", "task": "A"}, {"worker": "y", "task": "B"}]})
    script = {"p/lead/1/plan": plan, "y": after(1000, "late")}
    played = await play(raw, script)
    assert played.result == "p/lead/1/synthesis"
    assert played.outcome.degraded == (f"y did not do “B”: agent 'y' got no answer: {SHARE}.",)
    assert "y did not do" in played.stage.prompt("p/lead/1/synthesis")["Note"]


async def test_a_slow_revision_leaves_the_best_draft() -> None:
    raw = block("reflection", "writer", agent("critic", "reflector"))
    script = {"p/writer/1/draft": "draft", "p/writer/2/revise": after(1000, "late"),
              "critic": '{"feedback": "f", "score": 60}'}  # fmt: skip
    played = await play(raw, script)
    assert played.result == "draft"
    assert "Round 2 of revising failed" in played.outcome.degraded[0]
    assert usage_is_recorded(played)
