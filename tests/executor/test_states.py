"""The table of moves: each move wins once, from the states that allow it, by the database's
clock.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from executor import states
from executor.models import LIVE, TERMINAL, BlockResult, BlockStatus, Execution, Status, Step

pytestmark = pytest.mark.django_db

Queue = Callable[..., Execution]
ERROR = {"class": "test", "message": "As the test wants it."}


def status_of(execution: Execution) -> str:
    execution.refresh_from_db()
    return execution.status


def claim(execution: Execution, lease: float = 30) -> Execution | None:
    return states.claim(execution.pk, owner="here", lease_seconds=lease)


def test_a_claim_wins_once(queue: Queue) -> None:
    execution = queue()
    claimed = claim(execution)
    assert claimed is not None
    assert (claimed.status, claimed.attempt, claimed.owner) == (Status.RUNNING, 1, "here")
    assert claimed.lease_until > claimed.database_time
    assert claim(execution) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"deadline_at": timezone.now() - timedelta(seconds=1)},
        {"not_before": timezone.now() + timedelta(hours=1)},
        {"cancel_requested_at": timezone.now()},
        {"status": Status.WAITING},
        {"status": Status.CANCELLED},
    ],
)
def test_what_is_not_ready_is_not_claimed(queue: Queue, fields: dict) -> None:
    execution = queue()
    Execution.objects.filter(pk=execution.pk).update(**fields)
    assert claim(execution) is None


def test_only_the_owners_attempt_may_end_a_run(queue: Queue) -> None:
    execution = queue()
    claim(execution)
    assert not states.finish(execution.pk, Status.COMPLETED, attempt=2)
    assert states.finish(execution.pk, Status.COMPLETED, attempt=1, result_data=4)
    assert not states.finish(execution.pk, Status.FAILED, attempt=1)
    assert status_of(execution) == Status.COMPLETED
    assert execution.completed_at is not None
    assert execution.lease_until is None


def test_an_owner_cannot_end_a_run_as_queued(queue: Queue) -> None:
    with pytest.raises(ValueError, match="cannot end"):
        states.finish(queue().pk, Status.QUEUED, attempt=0)


def test_a_lease_is_renewed_only_for_its_owner(queue: Queue) -> None:
    mine, lost = queue(), queue()
    claim(mine)
    claim(lost)
    states.request_cancel(mine.pk)
    held = states.renew([(mine.pk, 1), (lost.pk, 7)], lease_seconds=30)
    assert held == {(mine.pk, 1): True}


def test_a_lost_run_is_queued_again_and_given_up_after_three_losses(queue: Queue) -> None:
    execution = queue()
    for _ in range(2):
        claim(execution, lease=-1)
        assert not states.fail_lost(execution.pk, error=ERROR)
        assert states.requeue_lost(execution.pk)
    claim(execution, lease=-1)
    assert not states.requeue_lost(execution.pk)
    assert states.fail_lost(execution.pk, error=ERROR)
    assert status_of(execution) == Status.FAILED
    assert execution.losses == 3


def test_a_held_lease_protects_from_the_sweep(queue: Queue) -> None:
    execution = queue()
    claim(execution)
    assert not states.requeue_lost(execution.pk)
    assert not states.fail_lost(execution.pk, error=ERROR)
    assert not states.cancel_lost(execution.pk, error=ERROR)


def test_a_run_without_owner_that_was_to_be_cancelled_is_cancelled(queue: Queue) -> None:
    execution = queue()
    claim(execution, lease=-1)
    states.request_cancel(execution.pk)
    assert not states.requeue_lost(execution.pk)
    assert states.cancel_lost(execution.pk, error=ERROR)
    assert status_of(execution) == Status.CANCELLED


def test_cancelling_before_the_start_and_after_the_end(queue: Queue) -> None:
    execution = queue()
    assert not states.request_cancel(execution.pk)
    assert states.cancel_unstarted(execution.pk, error=ERROR)
    assert not states.cancel_unstarted(execution.pk, error=ERROR)
    assert not states.request_cancel(execution.pk)
    assert claim(execution) is None


def test_a_deadline_ends_any_live_state_once(queue: Queue) -> None:
    late = timezone.now() - timedelta(seconds=1)
    early = queue()
    for status in LIVE:
        execution = queue()
        Execution.objects.filter(pk=execution.pk).update(status=status, deadline_at=late)
        assert states.time_out(execution.pk, error=ERROR)
        assert not states.time_out(execution.pk, error=ERROR)
        assert status_of(execution) == Status.TIMED_OUT
    assert not states.time_out(early.pk, error=ERROR)


def test_a_run_given_back_is_claimed_by_the_next(queue: Queue) -> None:
    execution = queue()
    claim(execution)
    assert states.give_back(execution.pk, attempt=1) is Status.QUEUED
    again = claim(execution)
    assert again is not None
    assert again.attempt == 2
    assert again.losses == 0


def test_what_was_to_be_cancelled_is_cancelled_instead_of_queued_or_waiting(queue: Queue) -> None:
    execution = queue()
    claim(execution)
    states.request_cancel(execution.pk)
    assert not states.wait(execution.pk, attempt=1, due_at=None)
    assert states.give_back(execution.pk, attempt=2) is None
    assert states.give_back(execution.pk, attempt=1) is Status.CANCELLED
    assert status_of(execution) == Status.CANCELLED
    assert states.give_back(execution.pk, attempt=1) is None


def test_a_run_waits_for_its_time_and_is_queued_again(queue: Queue) -> None:
    execution = queue()
    claim(execution)
    later = timezone.now() + timedelta(hours=1)
    assert not states.wait(execution.pk, attempt=2, due_at=None)
    assert states.wait(execution.pk, attempt=1, due_at=later)
    assert status_of(execution) == Status.WAITING
    assert execution.owner == ""
    assert not states.wake_due(execution.pk)
    assert claim(execution) is None
    past = timezone.now() - timedelta(seconds=1)
    Execution.objects.filter(pk=execution.pk).update(not_before=past)
    assert states.wake_due(execution.pk)
    again = claim(execution)
    assert again is not None
    assert again.attempt == 2


@pytest.mark.parametrize("end", ["time_out", "cancel_lost", "fail_lost", "finish"])
def test_an_end_closes_what_was_open_and_says_what_was_used(queue: Queue, end: str) -> None:
    execution = queue()
    claim(execution, lease=-1)
    rows = Execution.objects.filter(pk=execution.pk)
    late = timezone.now() - timedelta(seconds=1)
    for status in (BlockStatus.RUNNING, BlockStatus.COMPLETED):
        BlockResult.objects.create(execution=execution, block_id=status, status=status)
    for number, model in enumerate(("offline:stand-in", "offline:stand-in", "")):
        used = {"input_tokens": 10, "output_tokens": 5, "tries": 2}
        at = {"started_at": late, "finished_at": late}
        Step.objects.create(execution=execution, key=str(number), model=model, **used, **at)
    if end == "finish":
        assert states.finish(execution.pk, Status.CANCELLED, attempt=1, error=ERROR)
    else:
        losses = states.MAX_LOSSES
        asked = timezone.now() if end == "cancel_lost" else None
        rows.update(deadline_at=late, losses=losses, cancel_requested_at=asked)
        assert getattr(states, end)(execution.pk, error=ERROR)
    execution.refresh_from_db()
    assert execution.status in TERMINAL
    usage = (execution.model_calls, execution.input_tokens, execution.output_tokens)
    assert usage == (4, 20, 10)
    shown = dict(execution.blocks.values_list("block_id", "status"))
    assert shown == {"running": BlockStatus.FAILED, "completed": BlockStatus.COMPLETED}
