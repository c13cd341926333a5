"""A worker: claims, runs, records; and what happens when it is asked twice, stopped, or lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import DesignVersion
from executor import states
from executor.engine.llm import offline
from executor.errors import ExecutionEnded
from executor.models import Execution, Status, Step
from executor.running import sweep
from executor.services import cancel_execution, rerun_execution
from tests.documents import greeting
from tests.performing import perform_execution
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


def perform(execution: Execution) -> Any:
    future = perform_execution(execution.pk)
    return None if future is None else future.result(timeout=60)


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The stand-in thinks for a minute; the list tells which calls began and which were stopped."""
    calls: list[str] = []

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        calls.append("began")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            calls.append("stopped")
            raise

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return calls


def test_a_queued_execution_is_run_and_recorded(queue: Queue) -> None:
    execution = queue()
    assert perform(execution).result == 4
    done = fresh(execution)
    assert (done.status, done.result_data, done.attempt) == (Status.COMPLETED, 4, 1)
    assert [step.key for step in done.steps.all()] == ["pair/-/1/transform", "double/-/1/transform"]
    assert done.duration_ms is not None


def test_a_second_delivery_does_nothing(queue: Queue) -> None:
    execution = queue()
    perform(execution)
    assert perform_execution(execution.pk) is None
    assert fresh(execution).steps.count() == 2


def test_a_failure_says_which_block_and_why(queue: Queue) -> None:
    execution = queue(input_data={"number": "text"})
    perform(execution)
    failed = fresh(execution)
    assert failed.status == Status.FAILED
    assert failed.error["block_id"] == "double"
    assert failed.error["message"].endswith(".")


def test_steps_already_recorded_are_not_paid_again(
    queue: Queue, version_of: Callable[..., DesignVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = queue(version_of(greeting()), input_data={})
    perform(execution)
    first = execution.steps.get(agent_id="writer")
    again = queue(execution.version, input_data={})
    first.pk, first.execution, first.text = None, again, "Recorded before the crash"
    first.save(force_insert=True)
    Execution.objects.filter(pk=again.pk).update(attempt=1)
    asked: list[str] = []
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        asked.append(request.call_key)
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    perform(again)
    assert [key.split("/")[1] for key in asked] == ["editor"]
    assert again.steps.count() == 2
    assert "Recorded before the crash" in str(again.steps.get(agent_id="editor").prompt)


def test_cancelling_stops_the_call_in_flight(
    queue: Queue, version_of: Callable[..., DesignVersion], slow_model: list[str]
) -> None:
    execution = queue(version_of(greeting()), input_data={})
    future = perform_execution(execution.pk)
    wait_until(lambda: slow_model == ["began"])
    cancel_execution(execution=execution, caller=SYSTEM)
    future.result(timeout=60)
    assert slow_model == ["began", "stopped"]
    assert fresh(execution).status == Status.CANCELLED
    with pytest.raises(ExecutionEnded):
        cancel_execution(execution=execution, caller=SYSTEM)


def test_a_time_limit_stops_the_call_in_flight(
    queue: Queue, version_of: Callable[..., DesignVersion], slow_model: list[str]
) -> None:
    execution = queue(version_of(greeting()), input_data={}, limits={"seconds": 3})
    perform(execution)
    assert slow_model == ["began", "stopped"]
    assert fresh(execution).status == Status.TIMED_OUT


def test_a_worker_that_lost_its_lease_writes_nothing_more(
    queue: Queue, version_of: Callable[..., DesignVersion], slow_model: list[str]
) -> None:
    execution = queue(version_of(greeting()), input_data={})
    future = perform_execution(execution.pk)
    wait_until(lambda: slow_model == ["began"])
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert states.requeue_lost(execution.pk)
    states.claim(execution.pk, owner="another", lease_seconds=30)
    from executor.running.carrier import existing_carrier

    existing_carrier()._judge([(execution.pk, 1)], {})
    assert future.result(timeout=60) is None
    now = fresh(execution)
    assert (now.status, now.owner, now.attempt) == (Status.RUNNING, "another", 2)
    assert Step.objects.count() == 0


def test_the_sweep_takes_up_what_was_lost(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(sweep, "notify_workers", lambda: sent.append("notified"))
    lost, held, new = queue(), queue(), queue()
    states.claim(lost.pk, owner="dead", lease_seconds=-1)
    states.claim(held.pk, owner="alive", lease_seconds=30)
    assert sweep.sweep()["taken_up"] == 1
    assert sent == ["notified"]
    assert fresh(held).status == Status.RUNNING
    assert perform(lost).result == 4
    assert perform(new).result == 4


def test_a_rerun_is_a_new_execution_of_the_same_version_and_input(queue: Queue) -> None:
    execution = queue()
    perform(execution)
    again = rerun_execution(execution=fresh(execution), caller=SYSTEM)
    assert again.pk != execution.pk
    assert perform(again).result == 4
    assert fresh(again).rerun_of_id == execution.pk


def test_text_that_no_database_stores_is_stored_readably() -> None:
    from executor.recording.rows import storable

    assert storable({"a": "x\0y", "b": ["\ud800"]}) == {"a": "x\ufffdy", "b": ["\ufffd"]}
