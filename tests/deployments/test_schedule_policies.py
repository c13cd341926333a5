"""The outcomes of planned times by a schedule's policies, with the policy that decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Occurrence, Schedule
from deployments.occurrences import jitter
from deployments.schedules import policies, serving
from deployments.schedules.pump import wake_schedules
from executor import states
from executor.models import Execution, Status
from tests.deployments.conftest import just_now

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


def ledger(schedule: Schedule) -> list[tuple[str, str]]:
    rows = schedule.occurrences.order_by("due_at")
    return list(rows.values_list("outcome", "policy"))


def again(schedule: Schedule) -> None:
    """Its next time comes now."""
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=just_now())
    wake_schedules()


def end(execution: Execution, status: Status = Status.COMPLETED, **changes: Any) -> None:
    """As a worker ends a run."""
    claimed = states.claim(execution.pk, owner="test", lease_seconds=30)
    assert claimed is not None
    assert states.finish(execution.pk, status, attempt=claimed.attempt, **changes)


def runs() -> list[Execution]:
    return list(Execution.objects.order_by("id"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"misfire": "run_latest"}, [("coalesced", "misfire=run_latest")] * 2 + [("ran", "")]),
        (
            {"misfire": "run_all", "overlap": "allow"},
            [("ran", "")] + [("ran", "overlap=allow")] * 2,
        ),
        ({"misfire": "run_all"}, [("ran", "")] + [("skipped_overlap", "overlap=skip")] * 2),
        (
            {"misfire": "run_all", "overlap": "queue"},
            [("ran", "")] + [("waiting", "overlap=queue")] * 2,
        ),
        (
            {"misfire": "run_all", "overlap": "cancel_running"},
            [("skipped_overlap", "overlap=cancel_running")] * 2
            + [("ran", "overlap=cancel_running")],
        ),
    ],
)
def test_several_times_that_come_at_once(
    scheduled: Scheduled, fields: dict[str, str], expected: list[tuple[str, str]]
) -> None:
    schedule = scheduled(missed=3, **fields)
    wake_schedules()
    assert ledger(schedule) == expected
    assert len(runs()) == sum(outcome == "ran" for outcome, _ in expected)


def test_missed_long_ago_and_late_are_told_apart(scheduled: Scheduled) -> None:
    fields = {"misfire": "run_all", "overlap": "allow", "misfire_window_seconds": 100}
    schedule = scheduled(missed=12, **fields)
    wake_schedules()
    skipped, late = ("skipped_misfire", "misfire_window"), ("ran", "misfire=run_all")
    found = ledger(schedule)
    assert found[:2] == [skipped] * 2
    assert found[2:6] == [late] * 4
    assert found[6:] == [("ran", "overlap=allow")] * 6


def test_a_long_gap_is_caught_up_in_rounds_and_one_runs(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "TIMES_AT_ONCE", 7)
    schedule = scheduled(missed=8640)
    Schedule.objects.filter(pk=schedule.pk).update(
        next_due_at=schedule.next_due_at + timedelta(seconds=10) * 8600
    )
    assert wake_schedules() == 40
    found = ledger(schedule)
    assert found[-1] == ("ran", "")
    assert set(found[:-1]) == {("coalesced", "misfire=run_latest")}
    assert len(runs()) == 1


def test_those_that_queue_run_one_after_another(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=3, misfire="run_all", overlap="queue")
    wake_schedules()
    for done in (1, 2, 3):
        assert [outcome for outcome, _ in ledger(schedule)].count("ran") == done
        assert len(runs()) == done
        wake_schedules()
        assert len(runs()) == done
        end(runs()[-1])
        wake_schedules()
    assert ledger(schedule)[1:] == [("ran", "overlap=queue")] * 2
    waited = schedule.occurrences.order_by("due_at").last()
    assert waited is not None
    assert waited.start_delay is not None
    assert waited.start_delay >= timedelta(seconds=1)


def test_a_queue_has_an_end(scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "MAX_WAITING", 2)
    schedule = scheduled(missed=4, misfire="run_all", overlap="queue")
    wake_schedules()
    assert ledger(schedule)[-1] == ("skipped_overlap", "overlap=queue, full")
    again(schedule)
    assert ledger(schedule)[-1] == ("skipped_overlap", "overlap=queue, full")


def test_the_last_run_is_cancelled_for_the_next(scheduled: Scheduled) -> None:
    schedule = scheduled(overlap="cancel_running")
    wake_schedules()
    again(schedule)
    first, second = runs()
    assert (first.status, second.status) == ("cancelled", "queued")
    states.claim(second.pk, owner="test", lease_seconds=30)
    again(schedule)
    second = Execution.objects.get(pk=second.pk)
    # The worker that runs it sees the request.
    assert second.cancel_requested_at is not None
    assert ledger(schedule) == [("ran", "")] + [("ran", "overlap=cancel_running")] * 2


def test_jitter_is_added_to_the_start_only(scheduled: Scheduled) -> None:
    schedule = scheduled(jitter_seconds=3600)
    due = schedule.next_due_at
    wake_schedules()
    row = schedule.occurrences.get()
    assert (row.due_at, row.outcome, row.policy) == (due, "waiting", "jitter")
    assert row.start_at == due + jitter(str(schedule.pk), due, 3600)
    assert row.start_delay is None
    wake_schedules()
    assert not runs()
    Occurrence.objects.update(start_at=just_now())
    wake_schedules()
    wake_schedules()
    assert ledger(schedule) == [("ran", "jitter")]
    assert len(runs()) == 1


def test_what_waits_for_a_schedule_that_is_switched_off_is_skipped(scheduled: Scheduled) -> None:
    from deployments.schedules.scheduling import update_schedule

    schedule = scheduled(jitter_seconds=3600)
    wake_schedules()
    update_schedule(schedule=schedule, changes={"enabled": False})
    Occurrence.objects.update(start_at=just_now())
    wake_schedules()
    assert ledger(schedule) == [("skipped_inactive", "switched_off")]
    assert not runs()


def test_an_end_that_comes_ends_it(scheduled: Scheduled) -> None:
    schedule = scheduled(missed=2, end_at=timezone.now() + timedelta(hours=1), misfire="run_all")
    schedule.beat_task.expires = schedule.next_due_at
    schedule.beat_task.save()
    Schedule.objects.update(computed_from=serving.rules.fingerprint_of(schedule))
    wake_schedules()
    assert ledger(schedule) == [("ran", "")]
    assert Schedule.objects.get().next_due_at is None
