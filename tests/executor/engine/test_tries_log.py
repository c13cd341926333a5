"""What is kept of each failed try: when it failed, after how long, and when the next one came."""

from __future__ import annotations

from executor.engine.events import StepStarted
from executor.engine.llm.base import ErrorKind
from executor.recording.rows import step_result, step_row
from tests.executor.engine.stage import Stage, down, play
from tests.graphs import agent, asking, design


async def test_each_failed_try_has_its_times() -> None:
    played = await play(design([asking("a")]), {"a": [down(), down(after=3.0), "good"]})
    step = played.journal.recall("a/writer/1/answer")
    assert step is not None
    first, second = step.failures
    begun = [event.at for event in played.events if isinstance(event, StepStarted)]
    # The clock of these tests is a second further at each look.
    assert [(try_.ms, try_.at) for try_ in step.failures] == [
        (round((first.at - begun[0]) * 1000), first.at),
        (round((second.at - begun[1]) * 1000), second.at),
    ]
    assert [try_.next_ms for try_ in step.failures] == [round(s * 1000) for s in played.waits]
    assert [e.number for e in played.events if isinstance(e, StepStarted)] == [1, 2, 3]


async def test_the_last_try_of_a_model_has_none_after_it() -> None:
    models = ["gone:model", "stage:model"]
    raw = design([asking("a", agent("writer", model=models))])
    stage = Stage({"a": [down(ErrorKind.REQUEST)]}, missing=frozenset({"gone:model"}))
    played = await play(raw, stage)
    step = played.journal.recall_failed("a/writer/1/answer")
    assert step is not None
    missing, refused = step.failures
    # Of the first nothing was sent.
    assert (missing.model, missing.ms, missing.next_ms) == ("gone:model", None, None)
    assert (refused.model, refused.ms is None, refused.next_ms) == ("stage:model", False, None)


async def test_they_are_kept_as_rows_also_of_before_there_were_times() -> None:
    played = await play(design([asking("a")]), {"a": [down(), "good"]})
    step = played.journal.recall("a/writer/1/answer")
    assert step is not None
    row = step_row(step, None, 1)  # type: ignore[arg-type]
    assert step_result(row).failures == step.failures
    for failure in row.failures:
        del failure["ms"], failure["next_ms"]
    assert [(f.ms, f.next_ms) for f in step_result(row).failures] == [(None, None)]
