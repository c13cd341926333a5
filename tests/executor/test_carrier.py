"""A process that carries runs when the database is away or the process ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import OperationalError

from designs.models import DesignVersion
from executor import states
from executor.engine.llm import offline
from executor.models import Execution, Status
from executor.recording import writer as writer_module
from executor.recording.recorder import Progress
from executor.running import worker
from executor.running.carrier import Carrier, existing_carrier
from tests.documents import greeting
from tests.performing import perform_execution
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The database takes no record as long as there is something in the list."""
    monkeypatch.setattr(writer_module, "PATIENCE_SECONDS", 0.3)
    original, found = Progress.apply.__func__, ["away"]

    def apply(cls: Any, writes: Sequence[Progress]) -> Sequence[Any]:
        if found:
            raise OperationalError("database is locked")
        return original(cls, writes)

    monkeypatch.setattr(Progress, "apply", classmethod(apply))
    return found


def test_a_database_that_is_away_fails_no_run(
    queue: Queue, version_of: Callable[..., DesignVersion], away: list[str]
) -> None:
    execution = queue(version_of(greeting()), input_data={})
    future = perform_execution(execution.pk)
    assert future is not None
    assert future.result(timeout=60) is None
    now = fresh(execution)
    assert (now.status, now.attempt, now.losses) == (Status.QUEUED, 1, 0)
    away.clear()
    future = perform_execution(execution.pk)
    assert future is not None
    assert future.result(timeout=60).status == "completed"
    assert fresh(execution).steps.count() == 2


def test_a_record_that_can_never_be_written_fails_the_run(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Progress.apply.__func__

    def apply(cls: Any, writes: Sequence[Progress]) -> Sequence[Any]:
        if any(write.steps for write in writes):
            raise ValueError("a step that no database takes")
        return original(cls, writes)

    monkeypatch.setattr(Progress, "apply", classmethod(apply))
    execution = queue()
    future = perform_execution(execution.pk)
    assert future is not None
    assert future.result(timeout=60) is None
    ended = fresh(execution)
    assert (ended.status, ended.error["class"]) == (Status.FAILED, "internal")


def test_an_attempt_that_was_lost_does_not_end_the_next_one_here(
    queue: Queue, version_of: Callable[..., DesignVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = asyncio.Event()
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        await hold.wait()
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    execution = queue(version_of(greeting()), input_data={})
    first = perform_execution(execution.pk)
    wait_until(lambda: fresh(execution).blocks.exists())
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert states.requeue_lost(execution.pk)
    second = perform_execution(execution.pk)
    carrier = existing_carrier()
    assert first
    assert second
    assert carrier is not None
    wait_until(lambda: (execution.pk, 2) in carrier._active)
    keys = list(carrier._active)
    held = carrier._renew(keys)
    assert held == {(execution.pk, 2): False}
    carrier._judge(keys, held)
    assert first.result(timeout=60) is None
    assert list(carrier._active) == [(execution.pk, 2)]
    worker.process_loop().call_soon_threadsafe(hold.set)
    assert second.result(timeout=60).status == "completed"
    assert fresh(execution).steps.count() == 2


def test_a_worker_that_is_to_end_passes_the_message_on(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, sent = Carrier(slots=1), list[Any]()
    monkeypatch.setattr(worker, "notify_workers", lambda: sent.append("notified"))
    intake = worker.Intake(leaving)
    leaving.take_no_more()
    execution = queue()
    intake.look()
    assert sent == ["notified"]
    assert fresh(execution).status == Status.QUEUED


def test_who_waits_for_a_slot_hears_of_the_end() -> None:
    full = Carrier(slots=0)
    assert not full.take_slot(timeout=0.01)
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(full.take_slot(timeout=3600)))
    waiting.start()
    full.take_no_more()
    waiting.join(60)
    assert answers == [False]


def test_a_run_that_is_cancelled_while_it_is_given_back_ends(
    queue: Queue, version_of: Callable[..., DesignVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        await asyncio.sleep(60)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    execution = queue(version_of(greeting()), input_data={})
    future = perform_execution(execution.pk)
    carrier = existing_carrier()
    assert future
    assert carrier is not None
    wait_until(lambda: fresh(execution).blocks.exists())
    # A person's wish that this process has not heard of when it is told to end.
    assert states.request_cancel(execution.pk)
    carrier._stop((execution.pk, 1), "drained")
    assert future.result(timeout=60) is None
    ended = fresh(execution)
    assert (ended.status, ended.error["class"]) == (Status.CANCELLED, "cancelled")
