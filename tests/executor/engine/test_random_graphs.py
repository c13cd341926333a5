"""In any graph, blocks run once, in the order of its connections; replay changes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from executor.engine.context import Outcome, Usage
from executor.engine.events import BlockChanged
from executor.engine.journal import StepResult
from tests.executor.engine.random_graphs import Case, cases, expected
from tests.executor.engine.stage import Played, Stage, compiled, play
from tests.graphs import examples
from tests.memory_journal import MemoryJournal

ENDS = {"completed", "failed", "skipped"}


def run(case: Case, *, seed: int = 0, steps: dict[str, StepResult] | None = None) -> Played:
    work: Coroutine[Any, Any, Played] = play(
        compiled(case.raw), Stage(case.script, seed=seed), given=case.given,
        journal=MemoryJournal(steps),
    )  # fmt: skip
    return asyncio.run(work)


def steps_of(played: Played) -> dict[str, StepResult]:
    return dict(played.journal.steps)  # type: ignore[attr-defined]


def timeless(case: Case, played: Played) -> list[StepResult]:
    """The steps without their times, and without those of blocks with a failing member."""
    steps = steps_of(played).values()
    counted = [step for step in steps if step.block_id not in case.failing]
    timeless = [replace(step, started_at=0, finished_at=0) for step in counted]
    return sorted(timeless, key=lambda step: step.key)


def outcome(case: Case, played: Played) -> Outcome:
    """How the run ended; the calls of failing blocks are not counted, as above."""
    return replace(played.outcome, usage=Usage()) if case.failing else played.outcome


@examples(120)
@given(cases())
def test_a_run_gives_what_the_graph_means(case: Case) -> None:
    played, wanted = run(case), expected(case)
    assert played.outcome.status == "completed"
    assert played.statuses == wanted.statuses
    assert played.outcome.block_outputs == wanted.outputs
    order = [block["id"] for block in case.raw["blocks"]]
    assert list(played.outcome.block_outputs) == [name for name in order if name in wanted.outputs]
    sources = {way["source"] for way in case.raw["connections"]}
    has_result = any(name not in sources for name in wanted.outputs)
    failed = list(wanted.statuses.values()).count("failed")
    assert len(played.outcome.degraded) == failed + (not has_result)


@examples(80)
@given(cases(), st.integers(0, 1_000))
def test_blocks_wait_for_all_they_depend_on_and_run_once(case: Case, seed: int) -> None:
    played = run(case, seed=seed)
    told = [(e.block_id, e.status) for e in played.events if isinstance(e, BlockChanged)]
    assert max(Counter(told).values()) == 1
    places = {entry: place for place, entry in enumerate(told)}
    begins = {
        name: places.get((name, "running"), places.get((name, "skipped"))) for name, _ in told
    }
    ends = {name: place for (name, status), place in places.items() if status in ENDS}
    assert begins.keys() == ends.keys() == {block["id"] for block in case.raw["blocks"]}
    for way in case.raw["connections"]:
        assert ends[way["source"]] < begins[way["target"]]
    assert max(Counter(played.stage.calls).values(), default=1) == 1


@examples(60)
@given(cases(), st.integers(1, 1_000))
def test_the_order_of_answers_changes_nothing(case: Case, seed: int) -> None:
    one, other = run(case), run(case, seed=seed)
    assert outcome(case, one) == outcome(case, other)
    assert timeless(case, one) == timeless(case, other)


@examples(80)
@given(cases(), st.data())
def test_replay_from_any_prefix_does_nothing_twice(case: Case, data: st.DataObject) -> None:
    first = run(case, seed=1)
    steps = steps_of(first)
    count = data.draw(st.integers(0, len(steps)))
    kept = dict(list(steps.items())[:count])
    again = run(case, seed=data.draw(st.integers(0, 1_000)), steps=kept)
    done = {key for key, step in kept.items() if step.status == "completed"}
    assert not set(again.stage.calls) & done
    assert max(Counter(again.stage.calls).values(), default=1) == 1
    assert outcome(case, again) == outcome(case, first)
    assert timeless(case, again) == timeless(case, first)
