"""A process killed at any commit of a run: its successor repeats no finished call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from designs.access import SYSTEM
from executor import states
from executor.models import Execution, Status, Step
from executor.services import resume_execution
from tests.executor.carried import Carriers
from tests.faults.designs import chain, fan
from tests.faults.provider import Provider

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
AGENTS = 4
KILLED = -9


def start(queue: Queue, version_of: Callable[..., Any], document: dict[str, Any]) -> Execution:
    named = {**document, "model": "openai_compatible:counted"}
    return queue(version_of(named), input_data={})


def lose(execution: Execution) -> None:
    """The lease is over, and the sweep takes the execution up."""
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert states.requeue_lost(execution.pk)


def calls_of(model: Provider, execution: Execution) -> dict[str, int]:
    """How often each agent's call was made."""
    return {
        key.partition("/")[2]: count
        for key, count in model.begun.items()
        if key.startswith(execution.public_id)
    }


@pytest.mark.parametrize("number", range(1, AGENTS + 1))
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_the_commit_of_a_step(
    queue: Queue, version_of: Any, model: Provider, carriers: Carriers, when: str, number: int
) -> None:
    execution = start(queue, version_of, chain(AGENTS))
    assert carriers.carry(execution.pk, fault_point=f"step.{when}:{number}") == KILLED
    finished = Step.objects.filter(execution=execution).count()
    assert finished == (number if when == "after" else number - 1)
    lose(execution)
    assert carriers.carry(execution.pk) == 0
    execution.refresh_from_db()
    assert (execution.status, execution.attempt, execution.losses) == (Status.COMPLETED, 2, 1)
    counts = calls_of(model, execution)
    assert len(counts) == AGENTS
    # The call whose record was lost is made a second time, and no other.
    assert sum(counts.values()) == AGENTS + (when == "before")
    for step in execution.steps.all()[:finished]:
        assert counts[step.agent_id] == 1, "a finished step was run again"
    assert execution.model_calls == AGENTS


@pytest.mark.parametrize("point", ["claim.before", "claim.after", "finish.before"])
def test_killed_at_the_other_commits(
    queue: Queue, version_of: Any, model: Provider, carriers: Carriers, point: str
) -> None:
    execution = start(queue, version_of, fan(3))
    assert carriers.carry(execution.pk, fault_point=point) == KILLED
    if point != "claim.before":
        lose(execution)
    assert carriers.carry(execution.pk) == 0
    execution.refresh_from_db()
    assert execution.status == Status.COMPLETED
    assert set(calls_of(model, execution).values()) == {1}


def test_killed_after_the_end_nothing_is_left_to_do(
    queue: Queue, version_of: Any, model: Provider, carriers: Carriers
) -> None:
    execution = start(queue, version_of, chain(2))
    assert carriers.carry(execution.pk, fault_point="finish.after") == KILLED
    assert not states.requeue_lost(execution.pk)
    assert carriers.carry(execution.pk) == 3
    execution.refresh_from_db()
    assert execution.status == Status.COMPLETED
    assert set(calls_of(model, execution).values()) == {1}


def test_a_run_that_kills_each_process_is_given_up_and_resumed_by_a_person(
    queue: Queue, version_of: Any, model: Provider, carriers: Carriers
) -> None:
    execution = start(queue, version_of, chain(AGENTS))
    for _ in range(2):
        assert carriers.carry(execution.pk, fault_point="step.after:1") == KILLED
        lose(execution)
    assert carriers.carry(execution.pk, fault_point="step.before:1") == KILLED
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert not states.requeue_lost(execution.pk)
    assert states.fail_lost(execution.pk, error={"class": "worker_lost", "message": "Lost."})
    execution.refresh_from_db()
    paid = execution.steps.count()
    assert execution.model_calls == paid == 2
    resumed = resume_execution(execution=execution, caller=SYSTEM)
    assert carriers.carry(resumed.pk) == 0
    resumed.refresh_from_db()
    assert resumed.status == Status.COMPLETED
    assert resumed.model_calls == resumed.steps.count() == AGENTS - paid
    assert len(calls_of(model, resumed)) == AGENTS - paid
