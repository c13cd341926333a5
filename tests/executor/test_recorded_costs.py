"""What steps cost comes to what their blocks, their execution and its deployment cost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import DesignVersion
from executor.engine.llm import offline
from executor.engine.llm.base import MAX_TOKENS, ErrorKind, ModelError
from executor.history.totals import add_up
from executor.models import DailyTotals, Execution, Status
from executor.services import cancel_execution, resume_execution
from tests.graphs import asking, chain, design
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
VersionOf = Callable[..., DesignVersion]
# Members at once, then one after another.
PLAN = design(
    [asking("p", "v", "w", "x", "y", kind="parallel"), asking("b"), asking("c")],
    chain("p", "b", "c"),
)


class Costs:
    """What each answer costs, and the steps (by a part of their key) that hang or fail."""

    def __init__(self) -> None:
        self.cost = Decimal(0)
        self.input_tokens = 7
        self.hangs: tuple[str, ...] = ()
        self.fails: tuple[str, ...] = ()
        self.is_hanging = threading.Event()

    async def answer(self, model: Any, request: Any, original: Any) -> Any:
        request.on_sent()
        found = replace(
            await original(model, request), cost_usd=self.cost, input_tokens=self.input_tokens
        )
        if any(part in request.call_key for part in self.hangs):
            self.is_hanging.set()
            await asyncio.Event().wait()
        if any(part in request.call_key for part in self.fails):
            raise ModelError(ErrorKind.REQUEST, "it is refused.", spent=found)
        return found


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Costs:
    found, original = Costs(), offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        return await found.answer(self, request, original)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return found


def perform(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def check(execution: Execution) -> None:
    steps = execution.steps.exclude(model="")
    cost = sum(step.cost_usd for step in steps if step.cost_usd is not None)
    assert cost == execution.cost_usd
    by_block = [usage["cost_usd"] or 0 for usage in execution.steps.usage_by_block().values()]
    assert sum(by_block) == pytest.approx(float(cost), abs=1e-12)
    assert sum(step.input_tokens for step in steps) == execution.input_tokens


@pytest.mark.parametrize(
    "cost", ["0.0000004", "0.0000005", "0.00000149", "0.0000015", "0.1234567", "0"]
)
def test_costs_below_the_smallest_one_add_up(
    queue: Queue, version_of: VersionOf, costs: Costs, cost: str
) -> None:
    costs.cost = Decimal(cost)
    execution = perform(queue(version_of(PLAN), input_data={}))
    assert execution.status == Status.COMPLETED
    check(execution)
    assert execution.cost_usd == pytest.approx(6 * costs.cost, abs=Decimal("0.0000005"))
    add_up()
    assert DailyTotals.objects.get().cost_usd == execution.cost_usd


def test_they_add_up_where_another_ends_the_run_and_where_it_goes_on(
    queue: Queue, version_of: VersionOf, costs: Costs
) -> None:
    costs.cost, costs.hangs = Decimal("0.0000004"), ("c/",)
    execution = queue(version_of(PLAN), input_data={})
    future = perform_execution(execution.pk)
    assert costs.is_hanging.wait(60)
    cancel_execution(execution=execution, caller=SYSTEM)
    assert future is not None
    future.result(timeout=60)
    execution.refresh_from_db()
    assert (execution.status, execution.model_calls) == (Status.CANCELLED, 6)
    check(execution)
    costs.hangs, costs.fails = (), ("c/",)
    failed = perform(resume_execution(execution=execution, caller=SYSTEM))
    assert (failed.status, failed.model_calls) == (Status.FAILED, 1)
    check(failed)


def test_a_server_that_counts_more_than_there_is_room_for(
    queue: Queue, version_of: VersionOf, costs: Costs
) -> None:
    costs.cost, costs.input_tokens = Decimal("5e9"), 2**40
    execution = perform(queue(version_of(design([asking("b")])), input_data={}))
    assert execution.status == Status.COMPLETED
    step = execution.steps.get()
    assert (step.input_tokens, step.cost_usd) == (MAX_TOKENS, Decimal("99999999.999999"))
    check(execution)
