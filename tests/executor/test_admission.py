"""A deployment runs exactly as many executions at once as its limit allows, also under races."""

from __future__ import annotations

from typing import Any

import pytest

from executor.errors import TooManyAtOnce
from executor.models import Execution, Status
from executor.recording.recorder import Accept
from executor.recording.writer import Writer
from executor.running.claims import Claimant
from executor.running.fairness import Room
from tests.executor.racing import (
    MOST,
    RACERS,
    Make,
    SlowAccept,
    SlowTake,
    race,
    running,
)
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)


def test_racing_calls_are_accepted_up_to_the_limit(
    writers: list[Writer], make_limited: Make
) -> None:
    accepted, refused = [], []

    def call(writer: Writer) -> None:
        for _ in range(10):
            execution = make_limited(status=Status.RUNNING, attempt=1)
            future = writer.submit(SlowAccept([execution], execution=execution, at_once=True))
            try:
                future.result(60)
                accepted.append(1)
            except TooManyAtOnce as error:
                refused.append(str(error))

    race(writers, call)
    assert (len(accepted), len(refused)) == (MOST, 10 * RACERS - MOST)
    assert running() == MOST
    assert "respond-async" in refused[0]


def test_calls_written_together_are_counted_one_by_one(make_limited: Make) -> None:
    writes = []
    for _ in range(5):
        execution = make_limited()
        writes.append(Accept([execution], execution=execution, at_once=True))
    answers = Accept.apply(writes)
    assert [isinstance(answer, TooManyAtOnce) for answer in answers] == [False] * MOST + [True] * 2
    assert Execution.objects.count() == MOST


def test_racing_workers_claim_up_to_the_limit(writers: list[Writer], make_limited: Make) -> None:
    for _ in range(12):
        make_limited().save(force_insert=True)
    claimed: list[Any] = []

    def take(writer: Writer) -> None:
        claimant = Claimant(owner=f"racer {id(writer)}", lease_seconds=30)
        for _ in range(12):
            taken = writer.submit(SlowTake(claimant, Room(2, {}, 2))).result(60)
            claimed.extend(one.pk for one in taken.executions)

    race(writers, take)
    assert len(claimed) == len(set(claimed)) == MOST
    assert running() == MOST


def test_who_may_wait_is_accepted_beyond_it(make_limited: Make) -> None:
    for _ in range(MOST):
        make_limited(status=Status.RUNNING, attempt=1).save(force_insert=True)
    later = make_limited()
    assert Accept.apply([Accept([later], execution=later)]) == [None]
    assert perform_execution(later.pk) is None
    later.refresh_from_db()
    assert later.status == Status.QUEUED
