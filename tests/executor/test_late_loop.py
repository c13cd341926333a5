"""Claimed executions start once, even if the loop is late and the database breaks off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import OperationalError

from designs.models import DesignVersion
from designs.runtime import faults
from executor.models import Execution, Status
from executor.running.carrier import Carrier
from executor.running.worker import Intake, process_loop
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def late_loop() -> Iterator[threading.Event]:
    """The loop of this process does nothing until the event is set."""
    goes_on = threading.Event()
    process_loop().call_soon_threadsafe(goes_on.wait, 60)
    yield goes_on
    goes_on.set()


class Breaking:
    """Breaks off the answer to one commit: nobody knows whether it went through."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.is_armed = False

    def reach(self, *points: str) -> None:
        if self.is_armed and self.point in points:
            self.is_armed = False
            raise OperationalError("the database is locked")


def test_what_was_taken_is_not_taken_for_lost(
    queue: Queue,
    version_of: Callable[..., DesignVersion],
    late_loop: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    breaking = Breaking("claim.after")
    monkeypatch.setattr(faults, "reach", breaking.reach)
    carrier = Carrier(slots=4)
    intake = Intake(carrier)
    begun: list[Any] = []
    start = carrier.start
    monkeypatch.setattr(carrier, "start", lambda one: (begun.append(one.pk), start(one))[1])
    version = version_of()

    def taken(number: int) -> bool:
        running = Execution.objects.filter(status=Status.RUNNING).count()
        return running == number and not intake._looks

    first = queue(version)
    intake.look()
    wait_until(lambda: taken(1))
    second = queue(version)
    breaking.is_armed = True
    intake.look()
    wait_until(lambda: taken(2))
    late_loop.set()
    wait_until(lambda: not Execution.objects.live().exists())
    carrier.drain(10)
    assert begun == [first.pk, second.pk]
    assert not intake._coming
    assert set(Execution.objects.values_list("status", "attempt")) == {(Status.COMPLETED, 1)}
