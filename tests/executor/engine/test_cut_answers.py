"""Answers that were cut off at a length limit: the run continues and is degraded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.stage import answer_of, play
from tests.graphs import agent, asking, design

CUT = replace(answer_of("GOO", tokens=20), finish_reason="length")
BOUND = agent("writer", name="Writer", max_output_tokens=10)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_cut_answer_degrades_the_run_and_stands_in_its_step(is_stream: bool) -> None:
    played = await play(design([asking("a", BOUND)]), {"a": CUT}, stream=lambda: is_stream)
    assert played.result == "GOO"
    assert played.outcome.degraded == (
        "The answer of Writer was cut off at its limit of 10 tokens.",
    )
    assert played.journal.recall("a/writer/1/answer").finish_reason == "length"
    [request] = played.stage.requests
    assert request.max_output_tokens == 10


async def test_without_a_limit_of_its_own_the_model_is_named() -> None:
    played = await play(design([asking("a", agent("w"))]), {"a": CUT})
    assert played.outcome.degraded == (
        "The answer of w was cut off at the length limit of stage:model.",
    )
    assert played.stage.requests[0].max_output_tokens is None


async def test_members_and_aggregators_alike_in_the_documents_order() -> None:
    raw = design([asking("p", "y", "x", agent("judge", "manager"), kind="parallel")])
    played = await play(raw, {"x": CUT, "y": CUT, "judge": CUT})
    assert [reason.split()[3] for reason in played.outcome.degraded] == ["y", "x", "judge"]


async def test_a_replayed_answer_was_cut_all_the_same() -> None:
    raw = design([asking("a", BOUND)])
    first = await play(raw, {"a": CUT})
    again = await play(raw, journal=first.journal)
    assert (again.stage.calls, again.outcome) == ([], first.outcome)


@pytest.mark.parametrize("reason", ["stop", None, "tool_call"])
async def test_other_ends_are_none_of_it(reason: str | None) -> None:
    said = replace(answer_of("GOOD"), finish_reason=reason)
    assert (await play(design([asking("a")]), {"a": said})).outcome.degraded == ()


async def test_a_cut_structured_answer_is_corrected() -> None:
    cut = ModelError(ErrorKind.CONTENT, "it was cut off; be shorter.", spent=CUT)
    raw = design([asking("r", agent("m", "moderator"), "x", "y", kind="routing")])
    script: dict[str, Any] = {"r/m": [cut, '{"reason": "r", "route": "x"}']}
    played = await play(raw, script)
    assert (played.result, played.outcome.degraded) == ("r/x/1/answer", ())
    step = played.journal.recall("r/m/1/route")
    assert [failure.kind for failure in step.failures] == ["content"]
