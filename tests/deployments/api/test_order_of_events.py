"""The order of a stream: a call is told after the steps that ended before it began."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from executor.following import pubsub
from executor.following import stream as follower
from executor.following.stream_rows import RunSnapshot, StreamEvent
from executor.models import Execution, Status, Step

CHANGED = {"kind": "changed"}
AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def started(key: str) -> dict[str, Any]:
    return {
        "kind": "started", "key": key, "block_id": "b", "agent_id": "a", "purpose": "answer",
        "round": 1, "try": 1, "at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip


def text(key: str, at: int, words: str) -> dict[str, Any]:
    names = {"key": key, "block_id": "b", "agent_id": "a", "try": 1}
    return {"kind": "text", **names, "at": at, "text": words}


def ended(number: int) -> Step:
    key = f"step {number}"
    return Step(pk=number, key=key, block_id="b", status="completed", started_at=AT, finished_at=AT)


# What one read of the rows finds, and the messages that come while it reads.
Read = tuple[Status | None, Sequence[Step], Sequence[dict[str, Any]]]


async def told(monkeypatch: pytest.MonkeyPatch, *reads: Read) -> list[str]:
    """The events of a run whose rows are read so often; nothing is told between the reads."""
    execution = Execution()
    events: list[str] = []
    waiting = iter(reads)

    async def read_run(pk: Any, position: Any) -> RunSnapshot | None:
        status, steps, messages = next(waiting)
        await asyncio.sleep(0)
        for message in messages:
            pubsub.running_hub().deliver(pubsub.TEXTS + execution.pk.hex, message)
        if status is None:
            return None
        return RunSnapshot(Execution(pk=execution.pk, status=status), [], {}, list(steps))

    def publish(self: Any, event: StreamEvent) -> None:
        names = {"step": "key", "started": "step", "delta": "text", "execution": "status"}
        events.append(f"{event.name}: {event.data[names[event.name]]}")

    monkeypatch.setattr(follower, "read_run", read_run)
    monkeypatch.setattr(follower.Events, "publish", publish)
    await asyncio.wait_for(follower.Events(execution.pk).produce(), 60)
    assert next(waiting, None) is None
    return events


async def test_a_row_that_was_written_after_the_read_goes_before_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = [started("step 1"), CHANGED, started("step 2"), text("step 2", 0, "One ")]
    assert await told(
        monkeypatch,
        (Status.RUNNING, [], late),
        (Status.RUNNING, [ended(1)], [text("step 2", 4, "two."), CHANGED]),
        (Status.COMPLETED, [ended(2)], []),
    ) == [
        "execution: running", "started: step 1", "step: step 1",
        "started: step 2", "delta: One ", "delta: two.", "step: step 2", "execution: completed",
    ]  # fmt: skip


async def test_a_call_goes_before_its_own_row_though_other_rows_have_changed_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await told(
        monkeypatch,
        (Status.RUNNING, [ended(1)], [CHANGED, started("step 1"), text("step 1", 0, "One.")]),
        (Status.COMPLETED, [], []),
    ) == [
        "execution: running", "started: step 1", "delta: One.", "step: step 1",
        "execution: completed",
    ]  # fmt: skip


async def test_a_call_waits_for_the_row_of_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await told(
        monkeypatch,
        (None, [], [started("step 1")]),
        (Status.RUNNING, [], [CHANGED]),
        (Status.COMPLETED, [ended(1)], []),
    ) == ["execution: running", "started: step 1", "step: step 1", "execution: completed"]
