"""The events of a run, their order, and streamed text."""

from __future__ import annotations

from typing import Any

from executor.engine.events import (
    BlockChanged,
    Degraded,
    Event,
    StepFailed,
    StepFinished,
    StepStarted,
    TextDelta,
)
from executor.engine.llm.base import ErrorKind
from tests.executor.engine.stage import Played, Stage, down, play
from tests.graphs import asking, chain, design, link, transform
from tests.virtual_time import use_virtual_time


def words(event: Event) -> str:
    """An event in two or three words."""
    if isinstance(event, BlockChanged):
        return f"{event.block_id} {event.status}"
    if isinstance(event, StepFinished):
        return f"{event.step.key} {'replayed' if event.replayed else 'finished'}"
    if isinstance(event, StepStarted):
        return f"{event.key} started"
    if isinstance(event, StepFailed):
        return f"{event.key} failed{' for good' if event.final else ''}"
    return f"degraded {event.block_id}" if isinstance(event, Degraded) else f"text {event.text}"


def entries_of(played: Played) -> list[str]:
    return [words(event) for event in played.events]


RAW = design(
    [asking("a", on_error="continue"), transform("b", "incoming"), asking("c", "x", "y")],
    chain("a", "b"),
)


async def test_the_order_of_events() -> None:
    raw = design([asking("a", "x", "y"), transform("b", "incoming")], chain("a", "b"))
    played = await play(raw, {"y": [down(), "Y"]})
    assert entries_of(played) == [
        "a running",
        "a/x/1/answer started", "a/x/1/answer finished",
        "a/y/1/answer started", "a/y/1/answer failed",
        "a/y/1/answer started", "a/y/1/answer finished",
        "a completed",
        "b running", "b/-/1/transform finished", "b completed",
    ]  # fmt: skip
    times = [event.at for event in played.events if isinstance(event, BlockChanged)]
    assert times == sorted(times)
    (done,) = [e for e in played.events if isinstance(e, BlockChanged) and e.status == "completed"
               and e.block_id == "a"]  # fmt: skip
    assert (done.output, done.error) == ("Y", None)


async def test_events_of_a_failed_and_a_skipped_block() -> None:
    raw = design(RAW["blocks"][:2], RAW["connections"])
    played = await play(raw, {"a": down(ErrorKind.REQUEST)})
    assert entries_of(played) == [
        "a running", "a/writer/1/answer started", "a/writer/1/answer failed for good", "a failed",
        "degraded a", "b skipped", "degraded b",
    ]  # fmt: skip


async def test_replayed_steps_are_told_as_such() -> None:
    first = await play(RAW)
    again = await play(RAW, journal=first.journal)
    assert not any("started" in entry or "finished" in entry for entry in entries_of(again))
    assert [entry for entry in entries_of(again) if "replayed" in entry] == [
        "a/writer/1/answer replayed", "b/-/1/transform replayed", "c/x/1/answer replayed",
        "c/y/1/answer replayed",
    ]  # fmt: skip


async def test_text_as_it_comes() -> None:
    stage = Stage({"x": "one two three"})
    raw = design([asking("a", "x", "y")])
    played = await play(raw, stage, stream=lambda: True)
    deltas = [event for event in played.events if isinstance(event, TextDelta)]
    assert [(delta.agent_id, delta.text) for delta in deltas] == [
        ("x", "one "), ("x", "two "), ("x", "three "), ("y", "a/y/1/answer "),
    ]  # fmt: skip
    assert {(delta.key, delta.block_id) for delta in deltas[:3]} == {("a/x/1/answer", "a")}
    entries = entries_of(played)
    assert entries.index("a/x/1/answer started") < entries.index("text one ")
    assert entries.index("text three ") < entries.index("a/x/1/answer finished")


async def test_without_streaming_no_text_is_told() -> None:
    played = await play(design([asking("a")]))
    assert not [event for event in played.events if isinstance(event, TextDelta)]


async def test_a_replayed_step_streams_nothing() -> None:
    raw = design([asking("a")])
    first = await play(raw, stream=lambda: True)
    again = await play(raw, stream=lambda: True, journal=first.journal)
    assert not [event for event in again.events if isinstance(event, TextDelta)]


async def test_usage_sums_over_blocks() -> None:
    played = await play(RAW)
    usage: Any = played.outcome.usage
    assert (usage.model_calls, usage.input_tokens, usage.output_tokens) == (3, 15, 15)


async def test_what_is_told_does_not_depend_on_whether_it_is_kept() -> None:
    """Two runs of the same design tell the same, but for the times."""
    one = await play(RAW, Stage(seed=3))
    other = await play(RAW, Stage(seed=3))
    assert entries_of(one) == entries_of(other)
    assert one.events == other.events


async def test_a_block_that_waits_for_nothing_may_start_while_another_runs() -> None:
    use_virtual_time()
    raw = design([asking("a"), asking("b"), transform("c", "incoming")], [link("a", "c")])
    entries = entries_of(await play(raw, Stage(seconds=1)))
    assert entries.index("b running") < entries.index("a completed")
