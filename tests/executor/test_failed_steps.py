"""Steps without an answer: each is recorded, and its usage counts however the run ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import DesignVersion
from executor import states
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.history.quotes import HIDDEN
from executor.models import Execution, Status
from executor.services import cancel_execution, resume_execution
from tests.graphs import asking, chain, design
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
VersionOf = Callable[..., DesignVersion]
PAIR = design([asking("a"), asking("b", retries=2)], chain("a", "b"))
MEMBERS = design([asking("p", "x", "y", "z", kind="parallel", settings={"require": 2}, retries=2)])


class Says:
    """What the model does with a step, by a part of its key; else the stand-in's answer."""

    def __init__(self) -> None:
        self.fails: dict[str, Any] = {}
        self.hangs = threading.Event()

    async def answer(self, model: Any, request: Any, original: Any) -> Any:
        request.on_sent()
        found = next((what for part, what in self.fails.items() if part in request.call_key), None)
        if found == "hang":
            self.hangs.set()
            await asyncio.Event().wait()
        if isinstance(found, ErrorKind):
            spent = replace(await original(model, request), input_tokens=7, output_tokens=3)
            raise ModelError(found, "the server quotes a secret plan.", spent=spent)
        return await original(model, request)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    found, original = Says(), offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        return await found.answer(self, request, original)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return found


def perform(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def all_is_recorded(execution: Execution) -> bool:
    """Whether the steps add up to what the execution used."""
    steps = list(execution.steps.exclude(model=""))
    return (
        sum(step.tries for step in steps) == execution.model_calls
        and sum(step.input_tokens for step in steps) == execution.input_tokens
        and sum(step.output_tokens for step in steps) == execution.output_tokens
    )


def test_a_lost_member_leaves_its_step(queue: Queue, version_of: VersionOf, says: Says) -> None:
    says.fails["/y/"] = ErrorKind.TRANSIENT
    ended = perform(queue(version_of(MEMBERS), input_data={}))
    assert (ended.status, ended.degraded, ended.model_calls) == (Status.COMPLETED, True, 5)
    lost = ended.steps.get(agent_id="y")
    assert (lost.status, lost.tries, lost.input_tokens, lost.output_tokens) == ("failed", 3, 21, 9)
    assert [(try_["class"], try_["model"]) for try_ in lost.failures] == (
        [("transient", "offline:stand-in")] * 3
    )
    # How long each took, and how long the next one waited; none follows the last.
    assert all(try_["ms"] >= 0 for try_ in lost.failures)
    assert [try_["next_ms"] is None for try_ in lost.failures] == [False, False, True]
    assert lost.prompt["parts"][0] == {"label": "Task", "value": "Do p."}
    assert all_is_recorded(ended)


def test_the_step_that_failed_the_run_is_there_for_all_who_may_see(
    queue: Queue,
    version_of: VersionOf,
    says: Says,
    operator: User,
    viewer: User,
    api_of: Callable[[User], APIClient],
    client: Client,
) -> None:
    says.fails["b/"] = ErrorKind.REQUEST
    ended = perform(queue(version_of(PAIR), input_data={}))
    assert all_is_recorded(ended)
    shown = api_of(operator).get(f"/api/executions/{ended.pk}").json()
    good, bad = shown["steps"]
    assert (good["status"], good["failures"]) == ("completed", [])
    assert (bad["status"], bad["tries"], bad["text"]) == ("failed", 1, "")
    [failure] = bad["failures"]
    assert (failure["class"], failure["message"]) == ("request", "the server quotes a secret plan.")
    usage = {block["block_id"]: block["usage"]["model_calls"] for block in shown["blocks"]}
    assert usage == {"a": 1, "b": 1}
    [failure] = api_of(viewer).get(f"/api/executions/{ended.pk}").json()["steps"][1]["failures"]
    assert (failure["class"], failure["message"]) == ("request", HIDDEN)
    client.force_login(operator)
    page = client.get(f"/executions/{ended.pk}/").content.decode()
    assert "the server quotes a secret plan." in page


def test_a_cancelled_call_counts(queue: Queue, version_of: VersionOf, says: Says) -> None:
    says.fails["b/"] = "hang"
    execution = queue(version_of(PAIR), input_data={})
    future = perform_execution(execution.pk)
    assert future is not None
    assert says.hangs.wait(60)
    cancel_execution(execution=execution, caller=SYSTEM)
    future.result(timeout=60)
    ended = Execution.objects.get(pk=execution.pk)
    assert (ended.status, ended.model_calls) == (Status.CANCELLED, 2)
    stopped = ended.steps.get(block_id="b")
    assert (stopped.status, stopped.failures[0]["class"]) == ("failed", "stopped")
    assert all_is_recorded(ended)


def test_whoever_goes_on_does_a_failed_step_again_and_counts_on(
    queue: Queue, version_of: VersionOf, says: Says
) -> None:
    version = version_of(PAIR)
    says.fails["b/"] = ErrorKind.REQUEST
    first = perform(queue(version, input_data={}))
    again = queue(version, input_data={})
    first.steps.update(execution=again)
    Execution.objects.filter(pk=again.pk).update(attempt=1)
    before = again.steps.get(block_id="b")
    says.fails.clear()
    ended = perform(again)
    assert (ended.status, ended.model_calls) == (Status.COMPLETED, 3)
    step = ended.steps.get(block_id="b")
    assert (step.status, step.tries, len(step.failures)) == ("completed", 2, 1)
    # A new row: those who follow by its number are told of it.
    assert step.pk > before.pk
    assert all_is_recorded(ended)


def test_a_lost_run_is_ended_with_all_that_was_spent(
    queue: Queue, version_of: VersionOf, says: Says
) -> None:
    says.fails["b/"] = ErrorKind.REQUEST
    first = perform(queue(version_of(PAIR), input_data={}))
    lost = queue(version_of(PAIR), input_data={})
    first.steps.update(execution=lost)
    assert states.cancel_unstarted(lost.pk, error={"class": "cancelled", "message": "Off."})
    ended = Execution.objects.get(pk=lost.pk)
    assert (ended.model_calls, all_is_recorded(ended)) == (2, True)


def test_who_resumes_does_not_pay_for_failed_steps_of_before(
    queue: Queue, version_of: VersionOf, says: Says
) -> None:
    says.fails["b/"] = ErrorKind.REQUEST
    first = perform(queue(version_of(PAIR), input_data={}))
    says.fails.clear()
    resumed = perform(resume_execution(execution=first, caller=SYSTEM))
    assert (resumed.status, resumed.model_calls) == (Status.COMPLETED, 1)
    assert [step.failures for step in resumed.steps.all()] == [[]]
