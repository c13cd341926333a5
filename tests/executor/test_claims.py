"""Claims of many at once: written together, each execution claimed once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from executor import states
from executor.models import Execution
from executor.recorder import Claim
from executor.states import Status
from executor.worker import start_execution, worker_carrier
from executor.writer import Writer

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
MANY = 40


def claim_of(execution: Execution, owner: str = "here") -> Claim:
    return Claim(execution.pk, owner=owner, lease_seconds=30)


def test_those_that_are_ready_are_claimed_together(queue: Queue) -> None:
    ready, late, asked, gone = (queue() for _ in range(4))
    late_by = timezone.now() - timedelta(seconds=1)
    Execution.objects.filter(pk=late.pk).update(deadline_at=late_by)
    Execution.objects.filter(pk=asked.pk).update(cancel_requested_at=timezone.now())
    states.claim(gone.pk, owner="another", lease_seconds=30)
    writes = [claim_of(one) for one in (ready, late, ready, asked, gone)]
    with transaction.atomic():
        answers = Claim.apply(writes)
    assert [answer and answer.pk for answer in answers] == [ready.pk, None, None, None, None]
    assert (answers[0].status, answers[0].attempt, answers[0].owner) == ("running", 1, "here")
    assert answers[0].lease_until > answers[0].database_time
    gone.refresh_from_db()
    assert (gone.owner, gone.attempt) == ("another", 1)


def test_each_gets_the_owner_that_asked(queue: Queue) -> None:
    first, second = queue(), queue()
    with transaction.atomic():
        answers = Claim.apply([claim_of(first, "one"), claim_of(second, "other")])
    assert [answer.owner for answer in answers] == ["one", "other"]


def test_it_asks_the_database_as_often_for_many_as_for_two(
    queue: Queue, django_assert_num_queries: Callable[..., object]
) -> None:
    for count in (2, MANY):
        writes = [claim_of(queue()) for _ in range(count)]
        # Limited deployments; what is ready, under a lock; the change; the rows.
        with transaction.atomic(), django_assert_num_queries(4):
            Claim.apply(writes)


def test_racing_processes_claim_each_once(queue: Queue) -> None:
    executions = [queue() for _ in range(MANY)]
    won: Counter[str] = Counter()
    begin = threading.Barrier(3)

    def race(owner: str) -> None:
        writer = Writer()
        begin.wait()
        claims = [writer.submit(claim_of(one, owner)) for one in executions]
        won[owner] = sum(claim.result(timeout=20) is not None for claim in claims)
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


def test_a_message_is_done_before_its_run_and_the_run_ends(queue: Queue) -> None:
    executions = [queue() for _ in range(MANY)]
    # A broker delivers some messages twice.
    for one in [*executions, *executions[:5]]:
        start_execution(one.pk)
    end = time.monotonic() + 20
    while Execution.objects.live().exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    assert set(Execution.objects.values_list("status", "attempt")) == {(Status.COMPLETED, 1)}
    worker_carrier()._wait_idle(5)
    assert worker_carrier().running == 0
