"""The claims of a worker: as many as it has room for, each once, in few statements."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executor import states
from executor.models import Execution, Status
from executor.recording import admission
from executor.recording.writer import Writer
from executor.running.claims import Claimant, ClaimNext, ClaimResult
from executor.running.fairness import Room

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
MANY = 40


def take_of(slots: int, owner: str = "here", **room: Any) -> ClaimNext:
    room = {"held": {}, "share": slots, **room}
    return ClaimNext(Claimant(owner=owner, lease_seconds=30), Room(slots, **room))


def write(take: ClaimNext) -> ClaimResult:
    with transaction.atomic():
        admission.lock(ClaimNext.locks([take]))
        found: ClaimResult = ClaimNext.apply([take])[0]
    return found


def test_those_that_are_ready_are_taken_oldest_first(queue: Queue) -> None:
    first, late, asked, gone, early, second = (queue() for _ in range(6))
    Execution.objects.filter(pk=late.pk).update(deadline_at=timezone.now() - timedelta(seconds=1))
    Execution.objects.filter(pk=asked.pk).update(cancel_requested_at=timezone.now())
    Execution.objects.filter(pk=early.pk).update(not_before=timezone.now() + timedelta(hours=1))
    states.claim(gone.pk, owner="another", lease_seconds=30)
    taken = write(take_of(10)).executions
    assert [one.pk for one in taken] == [first.pk, second.pk]
    assert (taken[0].status, taken[0].attempt, taken[0].owner) == ("running", 1, "here")
    assert taken[0].lease_until > taken[0].database_time  # type: ignore[attr-defined, operator]
    gone.refresh_from_db()
    assert (gone.owner, gone.attempt) == ("another", 1)


def test_it_says_what_is_left(queue: Queue) -> None:
    for _ in range(3):
        queue()
    part = write(take_of(2))
    assert (len(part.executions), part.is_left, part.is_short) == (2, True, True)
    rest = write(take_of(2))
    assert (len(rest.executions), rest.is_left, rest.is_short) == (1, False, False)
    assert write(take_of(2)) == ClaimResult([])


def test_many_cost_as_many_statements_as_few(queue: Queue) -> None:
    costs = set()
    for count in (2, MANY):
        for _ in range(count):
            queue()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(write(take_of(MANY)).executions) == count
        costs.add(len([one for one in captured if "SAVEPOINT" not in one["sql"]]))
    assert len(costs) == 1


def test_an_idle_look_is_one_question(queue: Queue) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert write(take_of(MANY)) == ClaimResult([])
    asked = [one["sql"] for one in captured if "FROM" in one["sql"]]
    assert len(asked) == 1


def test_racing_processes_take_each_once(queue: Queue) -> None:
    for _ in range(MANY):
        queue()
    won: Counter[str] = Counter()
    begin = threading.Barrier(3)

    def race(owner: str) -> None:
        writer = Writer()
        begin.wait()
        for _ in range(MANY):
            won[owner] += len(writer.submit(take_of(3, owner)).result(60).executions)
        writer.stop()

    racers = [threading.Thread(target=race, args=(f"process {n}",)) for n in range(3)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sum(won.values()) == MANY
    owners = Counter(Execution.objects.values_list("owner", flat=True))
    assert owners == +won
    assert set(Execution.objects.values_list("attempt", flat=True)) == {1}


def test_what_a_broken_try_took_is_found_by_the_next(queue: Queue) -> None:
    first, second, third = (queue() for _ in range(3))
    carried = states.claim(first.pk, owner="here", lease_seconds=30)
    take = take_of(2)
    assert carried is not None
    take.claimant = Claimant(owner="here", lease_seconds=30, carried=lambda: [first.pk])
    # Committed, but the answer was lost.
    assert states.claim(second.pk, owner="here", lease_seconds=30)
    take.again = True
    assert [one.pk for one in write(take).executions] == [second.pk, third.pk]
    assert set(Execution.objects.values_list("status", "attempt")) == {(Status.RUNNING, 1)}
