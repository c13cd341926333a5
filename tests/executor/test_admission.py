"""How many executions of a deployment go on at once: exactly the limit, also when many race."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
from executor.acceptance import Order
from executor.claims import Take, Taker
from executor.errors import TooManyAtOnce
from executor.fairness import Room
from executor.models import Execution, Trigger
from executor.recorder import Accept
from executor.states import Status
from executor.worker import perform_execution
from executor.writer import Writer
from tests.documents import doubling
from tests.executions import new_execution

pytestmark = pytest.mark.django_db(transaction=True)

MOST = 3
RACERS = 4
Make = Callable[..., Execution]


class SlowAccept(Accept):
    """Leaves others the time to count before it is committed."""

    @classmethod
    def apply(cls, writes: Sequence[Accept]) -> Sequence[Any]:
        answers = super().apply(writes)
        time.sleep(0.02)
        return answers


class SlowTake(Take):
    """Likewise."""

    @classmethod
    def apply(cls, writes: Sequence[Take]) -> Sequence[Any]:
        answers = super().apply(writes)
        time.sleep(0.02)
        return answers


@pytest.fixture
def deployment() -> Deployment:
    design = create_design(document=doubling(), caller=SYSTEM)
    return deploy_design(
        design=design, endpoint_path="/limited", caller=SYSTEM, max_concurrent=MOST
    )


@pytest.fixture
def make(deployment: Deployment) -> Make:
    def build(**fields: Any) -> Execution:
        order = Order(
            version=deployment.version,
            input_data={"number": 2},
            trigger=Trigger.API,
            caller=SYSTEM,
            deployment_id=deployment.pk,
            max_concurrent=MOST,
        )
        return new_execution(order, **fields)

    return build


@pytest.fixture
def writers() -> Iterator[list[Writer]]:
    """Each with a thread and a database connection of its own, like a process's."""
    found = [Writer() for _ in range(RACERS)]
    yield found
    for writer in found:
        writer.stop()


def race(writers: list[Writer], work: Callable[[Writer], None]) -> None:
    start = threading.Barrier(len(writers))

    def run(writer: Writer) -> None:
        start.wait(10)
        work(writer)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def running() -> int:
    return Execution.objects.filter(status=Status.RUNNING).count()


def test_racing_calls_are_accepted_up_to_the_limit(writers: list[Writer], make: Make) -> None:
    accepted, refused = [], []

    def call(writer: Writer) -> None:
        for _ in range(10):
            execution = make(status=Status.RUNNING, attempt=1)
            future = writer.submit(SlowAccept([execution], execution=execution, at_once=True))
            try:
                future.result(30)
                accepted.append(1)
            except TooManyAtOnce as error:
                refused.append(str(error))

    race(writers, call)
    assert (len(accepted), len(refused)) == (MOST, 10 * RACERS - MOST)
    assert running() == MOST
    assert "respond-async" in refused[0]


def test_calls_written_together_are_counted_one_by_one(make: Make) -> None:
    writes = []
    for _ in range(5):
        execution = make()
        writes.append(Accept([execution], execution=execution, at_once=True))
    answers = Accept.apply(writes)
    assert [isinstance(answer, TooManyAtOnce) for answer in answers] == [False] * MOST + [True] * 2
    assert Execution.objects.count() == MOST


def test_racing_workers_claim_up_to_the_limit(writers: list[Writer], make: Make) -> None:
    for _ in range(12):
        make().save(force_insert=True)
    claimed: list[Any] = []

    def take(writer: Writer) -> None:
        taker = Taker(owner=f"racer {id(writer)}", lease_seconds=30)
        for _ in range(12):
            taken = writer.submit(SlowTake(taker, Room(2, {}, 2))).result(30)
            claimed.extend(one.pk for one in taken.executions)

    race(writers, take)
    assert len(claimed) == len(set(claimed)) == MOST
    assert running() == MOST


def test_who_may_wait_is_accepted_beyond_it(make: Make) -> None:
    for _ in range(MOST):
        make(status=Status.RUNNING, attempt=1).save(force_insert=True)
    later = make()
    assert Accept.apply([Accept([later], execution=later)]) == [None]
    assert perform_execution(later.pk) is None
    later.refresh_from_db()
    assert later.status == Status.QUEUED
