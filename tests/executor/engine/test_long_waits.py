"""A server that asks for a very long wait is not waited for."""

from __future__ import annotations

import pytest

from executor.engine.llm.base import ErrorKind
from tests.executor.engine.stage import down, play
from tests.graphs import agent, asking, design

DAY = 86_400


@pytest.mark.parametrize("kind", [ErrorKind.TRANSIENT, ErrorKind.RATE_LIMIT])
async def test_nobody_is_waited_for_without_an_end(kind: ErrorKind) -> None:
    played = await play(design([asking("a")]), {"a": [down(kind, after=DAY), "good"]})
    assert (played.error[0], played.waits) == (kind, [])


@pytest.mark.parametrize("kind", [ErrorKind.TRANSIENT, ErrorKind.RATE_LIMIT])
async def test_another_model_is_asked_instead(kind: ErrorKind) -> None:
    raw = design([asking("a", agent("writer", model=["x:1", "x:2"]))])
    played = await play(raw, {"x:1": down(kind, after=DAY), "x:2": "good"})
    assert (played.result, played.waits) == ("good", [])
    played = await play(raw, {"x:1": [down(kind, after=20), "good"]})
    assert (played.result, played.waits) == ("good", [20])
