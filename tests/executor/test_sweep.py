"""The sweep: what it ends, what it takes up, and what it leaves alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from executor import housekeeping, states
from executor.models import Execution
from executor.states import Status

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(housekeeping, "send_execution", found.append)
    return found


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


def change(execution: Execution, **fields: Any) -> None:
    Execution.objects.filter(pk=execution.pk).update(**fields)


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def wait_until(true: Callable[[], Any], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)


def test_what_was_not_even_begun_by_its_deadline_is_timed_out(
    queue: Queue, sent: list[Any]
) -> None:
    late, early = queue(), queue()
    change(late, deadline_at=ago(1))
    assert housekeeping.sweep()["timed_out"] == 1
    ended = fresh(late)
    assert (ended.status, ended.error["class"]) == (Status.TIMED_OUT, "timed_out")
    assert ended.completed_at is not None
    assert fresh(early).status == Status.QUEUED


def test_a_lost_run_that_was_to_be_cancelled_is_cancelled(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    states.claim(execution.pk, owner="dead", lease_seconds=-1)
    states.request_cancel(execution.pk)
    housekeeping.sweep()
    assert fresh(execution).status == Status.CANCELLED
    assert sent == []


def test_the_third_loss_ends_it_with_the_reason(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    for _ in range(states.MAX_LOSSES):
        assert states.claim(execution.pk, owner="dead", lease_seconds=-1)
        housekeeping.sweep()
    ended = fresh(execution)
    assert (ended.status, ended.losses) == (Status.FAILED, states.MAX_LOSSES)
    assert ended.error["class"] == "worker_lost"
    assert "three times" in ended.error["message"]


def test_what_nobody_came_for_is_taken_up_without_the_broker(queue: Queue, sent: list[Any]) -> None:
    forgotten, new = queue(), queue()
    change(forgotten, published_at=ago(60))
    assert housekeeping.sweep()["sent"] == 1
    wait_until(lambda: fresh(forgotten).status == Status.COMPLETED)
    assert fresh(new).status == Status.QUEUED
    assert sent == []


def test_what_was_never_sent_is_sent(queue: Queue, sent: list[Any]) -> None:
    execution = queue(published_at=None)
    assert housekeeping.sweep()["sent"] == 1
    assert sent == [execution.pk]
    assert housekeeping.sweep()["sent"] == 0


def test_many_that_cannot_start_hide_no_others(
    queue: Queue, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "MOST_AT_ONCE", 1)
    first, second = queue(), queue()
    change(first, published_at=ago(40), not_before=ago(-3600))
    change(second, published_at=ago(30), not_before=ago(-3600))
    housekeeping.sweep()
    # Its turn has come again, but not before that of the other one.
    change(first, published_at=ago(20))
    housekeeping.sweep()
    assert sent == [first.pk, second.pk]


def test_after_an_outage_the_living_may_renew_their_leases_first(
    queue: Queue, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[bool] = []
    stop = threading.Event()

    def sweep(*, with_lost: bool = True) -> None:
        rounds.append(with_lost)
        if len(rounds) == 2:
            raise OperationalError("the server is restarting")
        if len(rounds) == 4:
            stop.set()

    monkeypatch.setattr(housekeeping, "sweep", sweep)
    monkeypatch.setattr(housekeeping, "PERIOD_SECONDS", 0.01)
    housekeeping._sweep_on(stop)
    assert rounds == [True, True, False, False]


def test_a_sweep_that_spares_leases_takes_nothing_up(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    states.claim(execution.pk, owner="perhaps dead", lease_seconds=-1)
    assert housekeeping.sweep(with_lost=False)["taken_up"] == 0
    assert fresh(execution).status == Status.RUNNING
    assert housekeeping.sweep()["taken_up"] == 1
