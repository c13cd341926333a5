"""The sweep: the executions that it ends, requeues, and leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from executor import states
from executor.models import Execution, Status
from executor.running import sweep
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr(sweep, "notify_workers", lambda: found.append("notified"))
    return found


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


def change(execution: Execution, **fields: Any) -> None:
    Execution.objects.filter(pk=execution.pk).update(**fields)


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_what_was_not_even_begun_by_its_deadline_is_timed_out(
    queue: Queue, sent: list[Any]
) -> None:
    late, early = queue(), queue()
    change(late, deadline_at=ago(1))
    assert sweep.sweep()["timed_out"] == 1
    ended = fresh(late)
    assert (ended.status, ended.error["class"]) == (Status.TIMED_OUT, "timed_out")
    assert ended.completed_at is not None
    assert fresh(early).status == Status.QUEUED


def test_who_runs_it_ends_it_at_the_deadline_with_what_was_spent(
    queue: Queue, sent: list[Any]
) -> None:
    """The sweep knows nothing of the call in flight; it comes in only where nobody ends it."""
    mine, hangs, lost = queue(), queue(), queue()
    for execution, seconds, lease in ((mine, 1, 30), (hangs, 60, 30), (lost, 1, -1)):
        assert states.claim(execution.pk, owner="me", lease_seconds=lease)
        change(execution, deadline_at=ago(seconds))
    assert sweep.sweep()["timed_out"] == 2
    assert [fresh(one).status for one in (mine, hangs, lost)] == (
        [Status.RUNNING, Status.TIMED_OUT, Status.TIMED_OUT]
    )
    assert not states.time_out(mine.pk, error={})
    assert states.finish(mine.pk, Status.TIMED_OUT, attempt=1, model_calls=3, error={})
    assert fresh(mine).model_calls == 3


def test_a_lost_run_that_was_to_be_cancelled_is_cancelled(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    states.claim(execution.pk, owner="dead", lease_seconds=-1)
    states.request_cancel(execution.pk)
    sweep.sweep()
    assert fresh(execution).status == Status.CANCELLED
    assert sent == []


def test_the_third_loss_ends_it_with_the_reason(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    for _ in range(states.MAX_LOSSES):
        assert states.claim(execution.pk, owner="dead", lease_seconds=-1)
        sweep.sweep()
    ended = fresh(execution)
    assert (ended.status, ended.losses) == (Status.FAILED, states.MAX_LOSSES)
    assert ended.error["class"] == "worker_lost"
    assert "three times" in ended.error["message"]


def test_requeued_executions_notify_workers(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    states.claim(execution.pk, owner="dead", lease_seconds=-1)
    assert sweep.sweep()["taken_up"] == 1
    assert (fresh(execution).status, sent) == (Status.QUEUED, ["notified"])


def test_what_no_message_told_of_is_taken(queue: Queue) -> None:
    """Each worker looks by itself, once a second."""
    execution = queue()
    sweep.look()
    wait_until(lambda: fresh(execution).status == Status.COMPLETED)


def test_after_an_outage_the_living_may_renew_their_leases_first(
    queue: Queue, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[bool] = []

    def round_of(*, with_lost: bool = True) -> None:
        rounds.append(with_lost)
        if len(rounds) == 2:
            raise OperationalError("the server is restarting")

    monkeypatch.setattr(sweep, "sweep", round_of)
    sweeps = sweep.Sweeps(lease_seconds=3600)
    for _ in range(4):
        sweeps.round()
    assert rounds == [True, True, False, False]


def test_a_sweep_that_spares_leases_takes_nothing_up(queue: Queue, sent: list[Any]) -> None:
    execution = queue()
    states.claim(execution.pk, owner="perhaps dead", lease_seconds=-1)
    assert sweep.sweep(with_lost=False)["taken_up"] == 0
    assert fresh(execution).status == Status.RUNNING
    assert sweep.sweep()["taken_up"] == 1
