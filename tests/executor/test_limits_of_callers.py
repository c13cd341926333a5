"""The limit of a key, and limits that change while executions are queued."""

from __future__ import annotations

import pytest

from deployments.models import Deployment
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.errors import TooManyAtOnce
from executor.models import Status
from executor.recording.recorder import Accept
from executor.recording.writer import Writer
from executor.running.claims import Claimant, ClaimNext
from executor.running.fairness import Room
from tests.executor.racing import (
    MOST,
    RACERS,
    Make,
    SlowAccept,
    race,
    running,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_has_a_number_at_once_too(writers: list[Writer], make_limited: Make) -> None:
    """Counted over all its deployments and processes, with what waits in line."""
    accepted, refused = [], []

    def call(writer: Writer) -> None:
        for _ in range(5):
            execution = make_limited(status=Status.RUNNING, attempt=1)
            execution.max_concurrent = None
            execution.caller_key, execution.caller_max_concurrent = "key:one", 2
            future = writer.submit(SlowAccept([execution], execution=execution, at_once=True))
            try:
                future.result(60)
                accepted.append(1)
            except TooManyAtOnce as error:
                refused.append(str(error))

    race(writers, call)
    assert (len(accepted), len(refused)) == (2, 5 * RACERS - 2)
    assert refused[0].startswith("This key runs at most 2 executions at once")
    other = make_limited(status=Status.RUNNING, attempt=1)
    other.caller_key, other.caller_max_concurrent = "key:other", 2
    assert writers[0].submit(Accept([other], execution=other, at_once=True)).result(60) is None


def test_accepts_and_takes_of_one_transaction_lock_in_one_order(
    writers: list[Writer], make_limited: Make
) -> None:
    """Else two processes that do both would wait for each other."""
    for _ in range(6):
        make_limited().save(force_insert=True)

    def both(writer: Writer) -> None:
        for number in range(6):
            execution = make_limited(status=Status.RUNNING, attempt=1)
            execution.caller_key, execution.caller_max_concurrent = f"key:{number % 3}", 100
            accept = Accept([execution], execution=execution, at_once=True)
            take = ClaimNext(Claimant(owner=str(id(writer)), lease_seconds=30), Room(1, {}, 1))
            written = [writer.submit(accept), writer.submit(take)]
            for one in written:
                assert one.exception(30) is None or isinstance(one.exception(), TooManyAtOnce)

    race(writers, both)
    assert running() == MOST


def test_a_changed_limit_is_that_of_those_in_line(
    deployment: Deployment, make_limited: Make
) -> None:
    for _ in range(MOST + 2):
        make_limited().save(force_insert=True)
    change_deployment(deployment=deployment, caller=SYSTEM, max_concurrent=MOST + 1)
    claimant = Claimant(owner="here", lease_seconds=30)
    writer = Writer()
    taken = writer.submit(ClaimNext(claimant, Room(20, {}, 20))).result(60).executions
    assert len(taken) == MOST + 1
    change_deployment(deployment=deployment, caller=SYSTEM, max_concurrent=None)
    taken = writer.submit(ClaimNext(claimant, Room(20, {}, 20))).result(60).executions
    assert len(taken) == 1
    writer.stop()
