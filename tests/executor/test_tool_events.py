"""The event `tool` of a run's stream: calls that begin, wait, and have a result."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.events import ToolChanged
from executor.following.live_text import LiveText
from executor.following.stream import Texts
from executor.following.stream_rows import RunQuery, StreamPosition, read_runs
from executor.models import Execution
from tests.executor.tool_runs import ToolRuns
from tests.fake_tools import FakeTools, tool
from tests.scripted import calls

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = {"answer": calls(("crm.search", {"q": "Ada"})), "answer.2": "Found."}
KEY = "main/ana/1/answer/tool.1"


@pytest.fixture
def run(tool_runs: ToolRuns) -> Execution:
    return tool_runs.start(SCRIPT, FakeTools((tool("crm.search"),)))


def test_a_finished_call_is_told_before_its_step(run: Execution) -> None:
    query = RunQuery(run.pk)
    snapshot = read_runs([query])[query]
    assert snapshot is not None
    told = [(event.name, event.data) for event in snapshot.events(StreamPosition())]
    places = [
        n for n, (name, data) in enumerate(told) if KEY in (data.get("step"), data.get("key"))
    ]
    (name, data), (next_name, step) = (told[place] for place in places)
    assert (name, next_name) == ("tool", "step")
    assert data["tool"] == "crm.search"
    assert (data["status"], data["is_error"], data["agent_id"]) == ("finished", False, "ana")
    assert data["duration_ms"] >= 0
    assert (step["tool"], step["is_error"]) == ("crm.search", False)
    assert [data.get("tool") for name, data in told if name == "step"] == [None, "crm.search", None]


def test_a_call_that_begins_or_waits_is_told_once_and_new_listeners_hear_of_it() -> None:
    texts = Texts(Execution().pk)
    piece = {"kind": "tool", "key": KEY, "block_id": "main", "agent_id": "ana", "tool": "crm.pay",
             "status": "started", "at": "2026-01-01T00:00:00", "arguments": {"eur": 5}}  # fmt: skip
    event = texts.add(piece)
    assert event is not None
    assert (event.name, event.data["status"]) == ("tool", "started")
    assert texts.add(piece) is None
    waits = texts.add({**piece, "status": "waiting", "at": "2026-01-01T00:00:01"})
    assert waits is not None
    assert [one.data["status"] for one in texts.snapshots()] == ["waiting"]


async def test_calls_in_progress_are_published_when_somebody_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(
        "executor.following.pubsub.publish_tool", lambda pk, piece: published.append(piece)
    )
    live = LiveText(Execution().pk, lambda event: None)
    call = ToolChanged(KEY, "main", "ana", "crm.pay", "started", 0.0, {"eur": 5})
    live.emit(call)
    assert published == []
    live.want()
    assert [piece["status"] for piece in published] == ["started"]
    live.emit(ToolChanged(KEY, "main", "ana", "crm.pay", "finished", 1.0))
    live.want()
    assert len(published) == 1
