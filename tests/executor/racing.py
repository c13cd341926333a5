"""Processes that race for the places of one limited deployment."""

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
from executor.acceptance.runs import Order
from executor.models import Execution, Status, Trigger
from executor.recording.recorder import Accept
from executor.recording.writer import Writer
from executor.running.claims import ClaimNext
from tests.documents import doubling
from tests.executions import new_execution

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


class SlowTake(ClaimNext):
    """Likewise."""

    @classmethod
    def apply(cls, writes: Sequence[ClaimNext]) -> Sequence[Any]:
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
def make_limited(deployment: Deployment) -> Make:
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
        start.wait(60)
        work(writer)

    threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def running() -> int:
    return Execution.objects.filter(status=Status.RUNNING).count()
