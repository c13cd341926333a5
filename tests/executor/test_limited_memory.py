"""A run with limited memory fails alone, without an effect on other runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from executor import states
from executor.models import Execution, Status
from executor.recording.recorder import RunRecord
from executor.recording.writer import process_writer
from executor.running import attempt
from tests.executor.carried import Carriers
from tests.executor.waiting_designs import asking_design
from tests.faults.designs import chain, fan
from tests.faults.provider import Provider

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
# Each answer is as long as one may be, and there are so many that they do not fit together.
LONG_CHARACTERS = 990_000
MANY = 32


@pytest.fixture
def start(queue: Queue, version_of: Callable[..., Any]) -> Callable[..., Execution]:
    def make(document: dict[str, Any], **limits: Any) -> Execution:
        named = {**document, "model": "openai_compatible:counted"}
        return queue(version_of(named), input_data={}, limits={"seconds": 600, **limits})

    return make


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


def test_oversized_answers_fail_their_run_only(
    start: Callable[..., Execution], model: Provider, carriers: Carriers
) -> None:
    limited = [start(chain(2), memory_mb=64) for _ in range(2)]
    oversized = start(fan(MANY), memory_mb=64)
    free = start(chain(2))
    for number in range(1, MANY + 1):
        model.padding_of[f"{oversized.public_id}/leaf{number}"] = LONG_CHARACTERS
    pks = [execution.pk for execution in (oversized, free, *limited)]
    # The exit code is the one process's that carried them all.
    assert carriers.carry(*pks) == 0
    failed = fresh(oversized)
    assert failed.status == Status.FAILED
    assert failed.error["class"] == "memory"
    assert "memory" in failed.error["message"]
    assert model.answered[f"{oversized.public_id}/leaf1"]
    for execution in (free, *limited):
        assert fresh(execution).status == Status.COMPLETED
        assert fresh(execution).steps.count() == 2


def test_a_time_limit_holds_in_a_process_of_its_own(
    start: Callable[..., Execution], model: Provider, carriers: Carriers
) -> None:
    execution = start(chain(1), memory_mb=64, seconds=12)
    model.seconds_of[f"{execution.public_id}/link1"] = 60.0
    assert carriers.carry(execution.pk) == 0
    assert fresh(execution).status == Status.TIMED_OUT


def test_a_run_in_a_process_of_its_own_waits_as_any_other(
    start: Callable[..., Execution], carriers: Carriers
) -> None:
    execution = start(asking_design(), memory_mb=64)
    assert carriers.carry(execution.pk) == 0
    waiting = fresh(execution)
    assert (waiting.status, waiting.owner, waiting.model_calls) == (Status.WAITING, "", 1)
    assert waiting.requests.get().status == "open"


def test_an_error_that_is_its_own_cause_is_not_followed_for_ever() -> None:
    error = ValueError("wrong")
    error.__cause__ = error
    assert not attempt.is_out_of_memory(error)
    last = ValueError("last")
    last.__cause__ = ValueError("first")
    last.__cause__.__cause__ = MemoryError()
    assert attempt.is_out_of_memory(last)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("can't start new thread")], ids=["none", "no thread"]
)
def test_a_process_that_has_none_left_writes_no_end(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def run_graph(*values: Any) -> None:
        raise error

    def carry(execution: Execution) -> Execution:
        claimed = states.claim(execution.pk, owner="test", lease_seconds=30)
        assert claimed
        asyncio.run(attempt.perform_attempt(claimed, RunRecord(claimed, process_writer())))
        return fresh(execution)

    monkeypatch.setattr(attempt, "run_graph", run_graph)
    free, limited = queue(), queue(limits={"memory_mb": 64})
    assert carry(free).error["class"] == "memory"
    # Its worker does, by the exit code.
    with pytest.raises(MemoryError):
        carry(limited)
    assert fresh(limited).status == Status.RUNNING
