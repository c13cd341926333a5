"""Failures that a run survives: how it continues, and that it is degraded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from executor.engine.events import BlockChanged, Degraded
from executor.engine.llm.base import ErrorKind
from executor.engine.results import NO_RESULT
from tests.executor.engine.stage import down, play
from tests.graphs import agent, asking, design, link, transform

REFUSED = down(ErrorKind.REQUEST)


def failing(**more: Any) -> dict[str, Any]:
    """b fails; c follows it, and d follows both a and b."""
    blocks = [
        transform("a", "'A'"), asking("b", label="Weak", **more), transform("c", "{got: incoming}"),
        transform("d", "{got: incoming}"),
    ]  # fmt: skip
    return design(blocks, [link("b", "c"), link("a", "d"), link("b", "d")])


async def test_a_failed_block_fails_the_run() -> None:
    played = await play(failing(), {"b": REFUSED})
    assert played.error == (
        "request", "Block 'Weak': agent 'writer' got no answer: it is down.",
    )  # fmt: skip
    error = played.outcome.error
    assert error is not None
    assert (error.block_id, error.step_key) == ("b", "b/writer/1/answer")
    assert played.outcome.degraded == ()
    # What others made before stays visible.
    assert played.outcome.block_outputs == {"a": "A"}


async def test_a_failure_stops_what_still_runs() -> None:
    raw = design([asking("slow"), asking("b")])
    played = await play(raw, {"slow": _for_ever, "b": REFUSED})
    assert played.error[0] == "request"
    assert ("stopped", "slow/writer/1/answer") in played.stage.log
    ends = [e for e in played.events if isinstance(e, BlockChanged) and e.block_id == "slow"]
    assert [end.status for end in ends] == ["running", "failed"]
    assert ends[-1].error is not None
    assert ends[-1].error.message == "The execution ended before this block did."


async def _for_ever(request: object = None) -> str:
    await asyncio.sleep(60)
    return "never"


async def test_going_on_without_a_block() -> None:
    played = await play(failing(on_error="continue"), {"b": REFUSED})
    assert played.result == {"d": {"got": "A"}}
    assert played.statuses == {"a": "completed", "b": "failed", "c": "skipped", "d": "completed"}
    sentence = "Block 'Weak': agent 'writer' got no answer: it is down. The run went on without it."
    assert played.outcome.degraded == (sentence,)
    assert Degraded(sentence, "b") in played.events


@pytest.mark.parametrize("default", [False, 0, "", [], {"text": "none"}])
async def test_going_on_with_a_default(default: Any) -> None:
    played = await play(failing(on_error="default", default=default), {"b": REFUSED})
    assert played.result == {"c": {"got": default}, "d": {"got": {"a": "A", "b": default}}}
    assert played.statuses["b"] == "failed"
    assert len(played.outcome.degraded) == 1
    assert played.outcome.degraded[0].endswith("Its default value was used instead.")
    failed = next(e for e in played.events if isinstance(e, BlockChanged) and e.status == "failed")
    assert (failed.output, failed.error is None) == (default, False)


async def test_a_default_goes_along_agent_connections_too() -> None:
    blocks = [
        asking("a", "x", "y", on_error="default", default="D"),
        transform("b", "{got: incoming}"),
    ]
    played = await play(design(blocks, [link("a", "b", source_agent="y")]), {"x": REFUSED})
    assert played.result == {"got": "D"}


async def test_a_transform_may_fail_and_go_on() -> None:
    weak = transform("a", "input.x", on_error="default", default=9)
    raw = design([weak, transform("b", "incoming")], [link("a", "b")])
    played = await play(raw)
    assert played.result == 9
    assert "`input.x` has no value here" in played.outcome.degraded[0]


async def test_when_everything_failed_there_is_no_result() -> None:
    played = await play(design([asking("a", on_error="continue")]), {"a": REFUSED})
    assert played.result is None
    assert len(played.outcome.degraded) == 2
    assert played.outcome.degraded[1] == NO_RESULT


# --- Members of a parallel block ------------------------------------------------------------------


def members(require: Any, *judge: Any) -> dict[str, Any]:
    return design(
        [asking("p", *judge, agent("x", name="Xavier"), "y", "z", kind="parallel", retries=0,
                settings={"require": require})]
    )  # fmt: skip


async def test_enough_members_make_a_degraded_success() -> None:
    played = await play(members(2), {"x": REFUSED, "y": "Y", "z": "Z"})
    assert played.result == {"y": "Y", "z": "Z"}
    assert played.outcome.degraded == (
        "No answer came from Xavier (agent 'Xavier' got no answer: it is down).",
    )


async def test_the_missing_are_named_to_the_aggregator() -> None:
    played = await play(
        members(1, agent("judge", "moderator")), {"x": REFUSED, "z": REFUSED, "judge": "J"}
    )
    assert played.result == "J"
    prompt = played.stage.prompt("p/judge/1/aggregate")
    assert list(prompt) == ["system", "Task", "Answer of y", "Note"]
    assert prompt["Note"] == played.outcome.degraded[0]
    assert "Xavier" in prompt["Note"]
    assert "z (agent 'z' got no answer" in prompt["Note"]


async def test_too_few_members_fail_the_block() -> None:
    played = await play(members(2), {"x": REFUSED, "z": REFUSED})
    kind, message = played.error
    assert kind == "block"
    assert message.startswith("Block 'p': 2 of 3 agents must answer, and too many failed (Xavier: ")
    assert played.outcome.degraded == ()


async def test_all_members_are_required_unless_said_otherwise() -> None:
    played = await play(members("all"), {"y": REFUSED})
    assert played.error == ("request", "Block 'p': agent 'y' got no answer: it is down.")


async def test_a_failed_aggregator_fails_the_block() -> None:
    played = await play(members(1, agent("judge", "manager")), {"judge": REFUSED})
    assert "agent 'judge' got no answer" in played.error[1]


async def test_reasons_stand_in_the_documents_order() -> None:
    names = ["a", "b", "c", "d"]
    raw = design([asking(name, on_error="continue") for name in names])

    def late(turns: int) -> Any:
        async def fail(_: object) -> str:
            for _turn in range(turns):
                await asyncio.sleep(0)
            raise down(ErrorKind.REQUEST)

        return fail

    script = {name: late(20 - 5 * place) for place, name in enumerate(names)}
    played = await play(raw, script)
    assert [reason.split("'")[1] for reason in played.outcome.degraded[:4]] == names
    told = [event.block_id for event in played.events if isinstance(event, Degraded)]
    assert told[:4] == ["d", "c", "b", "a"]
