"""The record of steps: replayed, never paid for twice; nothing depends on an unrecorded step."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from executor.engine.events import StepFinished
from executor.engine.journal import StepResult, step_key
from tests.executor.engine.stage import Played, Stage, play
from tests.graphs import agent, asking, chain, design, link, transform
from tests.memory_journal import MemoryJournal

RAW = design(
    [
        asking("plan", "a", "b", settings={"context": "full"}),
        transform("cut", "{plan: incoming, n: input.n}"),
        asking("vote", agent("judge", "moderator"), "x", "y", "z", kind="parallel"),
        asking("aside"),
        asking("end"),
    ],
    [*chain("plan", "cut", "vote", "end"), link("aside", "end")],
)
GIVEN = {"n": 3}


async def whole() -> Played:
    return await play(RAW, given=GIVEN)


async def test_a_step_holds_everything_about_its_call() -> None:
    played = await whole()
    step = played.journal.recall("plan/b/1/answer")
    assert step is not None
    assert (step.block_id, step.agent_id, step.round_number, step.purpose) == (
        "plan", "b", 1, "answer",
    )  # fmt: skip
    assert (step.model, step.text, step.output) == ("stage:model", step.key, step.key)
    assert (step.input_tokens, step.output_tokens, step.cost_usd, step.tries) == (5, 5, None, 1)
    assert step.started_at < step.finished_at
    assert step.prompt == {
        "system": "You are b, a worker. Do the task you are given.",
        "parts": [
            {"label": "Task", "value": "Do plan."},
            {"label": "Input", "value": {"n": 3}},
            {"label": "Answer of a", "value": "plan/a/1/answer"},
        ],
    }


async def test_a_computed_block_is_a_step_too() -> None:
    step = (await whole()).journal.recall(step_key("cut", None, 1, "transform"))
    assert step is not None
    assert (step.model, step.agent_id, step.text, step.cost_usd) == (None, None, None, None)
    assert step.prompt == "plan/b/1/answer"
    assert step.output == {"plan": "plan/b/1/answer", "n": 3}


async def test_replay_from_any_prefix_asks_for_the_rest_only() -> None:
    first = await whole()
    steps = list(first.journal.steps.items())  # type: ignore[attr-defined]
    asked = set(first.stage.calls)
    assert len(steps) == 9
    for count in range(len(steps) + 1):
        recorded = dict(steps[:count])
        again = await play(RAW, given=GIVEN, journal=MemoryJournal(recorded))
        assert again.outcome == first.outcome
        assert len(again.stage.calls) == len(set(again.stage.calls))
        assert set(again.stage.calls) == asked - set(recorded)
        replayed = {e.step.key for e in again.events if isinstance(e, StepFinished) and e.replayed}
        assert replayed == set(recorded)


async def test_replayed_answers_are_what_others_build_upon() -> None:
    first = await play(RAW, {"plan/b": "the old plan"}, given=GIVEN)
    steps = first.journal.steps  # type: ignore[attr-defined]
    recorded = {key: step for key, step in steps.items() if key.startswith("plan/")}
    again = await play(RAW, {"plan/b": "a new plan"}, given=GIVEN, journal=MemoryJournal(recorded))
    assert again.stage.prompt("vote/x/1/answer")["From cut"]["plan"] == "the old plan"


# --- Records that fail ----------------------------------------------------------------------------


class Failing(MemoryJournal):
    """Cannot keep one step: it raises at once, or later."""

    def __init__(self, key: str, *, later: bool) -> None:
        super().__init__()
        self.key = key
        self.later = later

    def record(self, step: StepResult) -> Awaitable[None] | None:  # type: ignore[override]
        if step.key != self.key:
            self.steps[step.key] = step
            return None
        if not self.later:
            raise OSError("The lease is lost.")

        async def refuse() -> None:
            await asyncio.sleep(0)
            raise OSError("The lease is lost.")

        return refuse()


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("key", ["plan/a/1/answer", "cut/-/1/transform", "vote/x/1/answer"])
@pytest.mark.parametrize("on_error", ["fail", "continue"])
async def test_a_step_without_a_record_ends_the_run(key: str, later: bool, on_error: str) -> None:
    raw = design([{**block, "on_error": on_error} for block in RAW["blocks"]], RAW["connections"])
    played = await play(raw, given=GIVEN, journal=Failing(key, later=later))
    assert played.error == (
        "journal",
        "The record of a step could not be written, so the execution was stopped there.",
    )
    assert played.outcome.error is not None
    assert played.outcome.error.step_key == key
    assert key not in played.finished
    block = key.split("/")[0]
    assert played.statuses[block] == "failed"
    assert block not in played.outcome.block_outputs
    later_blocks = {"plan": ["cut", "vote", "end"], "cut": ["vote", "end"], "vote": ["end"]}[block]
    assert not set(later_blocks) & set(played.statuses)


async def test_a_block_that_bears_losses_does_not_bear_a_lost_record() -> None:
    raw = design([asking("p", "x", "y", kind="parallel", settings={"require": 1})])
    played = await play(raw, journal=Failing("p/x/1/answer", later=True))
    assert played.error[0] == "journal"


class Late(MemoryJournal):
    """Records in turns: what depends on a step must wait for its record."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.stage = stage

    def record(self, step: StepResult) -> Awaitable[None]:  # type: ignore[override]
        async def write() -> None:
            for _ in range(5):
                await asyncio.sleep(0)
            self.steps[step.key] = step
            self.stage.log.append(("recorded", step.key))

        return write()


async def test_nothing_starts_before_what_it_depends_on_is_recorded() -> None:
    stage = Stage()
    await play(RAW, stage, given=GIVEN, journal=Late(stage))
    log: list[tuple[str, str]] = stage.log

    def at(what: str, key: str) -> int:
        return log.index((what, key))

    assert at("recorded", "plan/a/1/answer") < at("start", "plan/b/1/answer")
    assert at("recorded", "plan/b/1/answer") < at("recorded", "cut/-/1/transform")
    for name in "xyz":
        assert at("recorded", "cut/-/1/transform") < at("start", f"vote/{name}/1/answer")
        assert at("recorded", f"vote/{name}/1/answer") < at("start", "vote/judge/1/aggregate")
    assert at("recorded", "vote/judge/1/aggregate") < at("start", "end/writer/1/answer")


async def test_the_same_journal_serves_two_executions_of_their_own() -> None:
    """Keys are the steps' own; the execution's id stands in the key of the call alone."""
    first = await play(RAW, given=GIVEN, execution_id="one")
    assert {request.call_key.split(":")[0] for request in first.stage.requests} == {"one"}
    again: Any = await play(RAW, given=GIVEN, execution_id="two", journal=first.journal)
    assert again.stage.calls == []
