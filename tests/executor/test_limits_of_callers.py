"""How many executions of a key go on at once, and limits that change while some wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from deployments.models import Deployment
from deployments.services import change_deployment, deploy_design
from designs.access import SYSTEM
from designs.services import create_design
from executor.acceptance import Order
from executor.claims import Take, Taker
from executor.errors import TooManyAtOnce
from executor.fairness import Room
from executor.models import Execution, Trigger
from executor.recorder import Accept
from executor.states import Status
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


def test_a_key_has_a_number_at_once_too(writers: list[Writer], make: Make) -> None:
    """Counted over all its deployments and processes, with what waits in line."""
    accepted, refused = [], []

    def call(writer: Writer) -> None:
        for _ in range(5):
            execution = make(status=Status.RUNNING, attempt=1)
            execution.max_concurrent = None
            execution.caller_key, execution.caller_max_concurrent = "key:one", 2
            future = writer.submit(SlowAccept([execution], execution=execution, at_once=True))
            try:
                future.result(30)
                accepted.append(1)
            except TooManyAtOnce as error:
                refused.append(str(error))

    race(writers, call)
    assert (len(accepted), len(refused)) == (2, 5 * RACERS - 2)
    assert refused[0].startswith("This key runs at most 2 executions at once")
    other = make(status=Status.RUNNING, attempt=1)
    other.caller_key, other.caller_max_concurrent = "key:other", 2
    assert writers[0].submit(Accept([other], execution=other, at_once=True)).result(30) is None


def test_accepts_and_takes_of_one_transaction_lock_in_one_order(
    writers: list[Writer], make: Make
) -> None:
    """Else two processes that do both would wait for each other."""
    for _ in range(6):
        make().save(force_insert=True)

    def both(writer: Writer) -> None:
        for number in range(6):
            execution = make(status=Status.RUNNING, attempt=1)
            execution.caller_key, execution.caller_max_concurrent = f"key:{number % 3}", 100
            accept = Accept([execution], execution=execution, at_once=True)
            take = Take(Taker(owner=str(id(writer)), lease_seconds=30), Room(1, {}, 1))
            written = [writer.submit(accept), writer.submit(take)]
            for one in written:
                assert one.exception(30) is None or isinstance(one.exception(), TooManyAtOnce)

    race(writers, both)
    assert running() == MOST


def test_a_changed_limit_is_that_of_those_in_line(deployment: Deployment, make: Make) -> None:
    for _ in range(MOST + 2):
        make().save(force_insert=True)
    change_deployment(deployment=deployment, caller=SYSTEM, max_concurrent=MOST + 1)
    taker = Taker(owner="here", lease_seconds=30)
    writer = Writer()
    taken = writer.submit(Take(taker, Room(20, {}, 20))).result(30).executions
    assert len(taken) == MOST + 1
    change_deployment(deployment=deployment, caller=SYSTEM, max_concurrent=None)
    taken = writer.submit(Take(taker, Room(20, {}, 20))).result(30).executions
    assert len(taken) == 1
    writer.stop()
