"""A run with limited memory: it fails alone, and nobody beside it notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from executor.models import Execution
from executor.states import Status
from tests.executor.carried import Carriers
from tests.faults.designs import chain
from tests.faults.provider import Provider

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
OVERSIZED_BYTES = 150_000_000


@pytest.fixture
def start(queue: Queue, version_of: Callable[..., Any]) -> Callable[..., Execution]:
    def make(document: dict[str, Any], **limits: Any) -> Execution:
        named = {**document, "model": "openai_compatible:counted"}
        return queue(version_of(named), input_data={}, limits={"seconds": 60, **limits})

    return make


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


def test_an_oversized_answer_fails_its_run_only(
    start: Callable[..., Execution], model: Provider, carriers: Carriers
) -> None:
    limited = [start(chain(2), memory_mb=64) for _ in range(2)]
    oversized = start(chain(2), memory_mb=64)
    free = start(chain(2))
    model.padding_of[f"{oversized.public_id}/link2"] = OVERSIZED_BYTES
    pks = [execution.pk for execution in (oversized, free, *limited)]
    # The exit code is the one process's that carried them all.
    assert carriers.carry(*pks) == 0
    failed = fresh(oversized)
    assert failed.status == Status.FAILED
    assert failed.error["class"] == "memory"
    assert "memory" in failed.error["message"]
    assert [step.agent_id for step in failed.steps.all()] == ["link1"]
    assert failed.model_calls >= 1
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
