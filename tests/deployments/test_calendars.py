"""Schedules skip the days of their calendar: no planned time is lost or doubled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from deployments.errors import CalendarInUse, ScheduleInvalid
from deployments.models import Deployment, ExclusionCalendar, Occurrence, Schedule
from deployments.schedules import store
from deployments.schedules.backfill import plan_backfill, start_backfill
from deployments.schedules.calendars import (
    change_calendar,
    create_calendar,
    delete_calendar,
)
from deployments.schedules.pump import wake_schedules
from deployments.schedules.scheduling import add_schedule, update_schedule
from deployments.schedules.upcoming import upcoming_runs
from tests.deployments.test_schedule_policies import ledger, runs

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


def day(value: date, more: int = 0) -> dict[str, str]:
    until = value + timedelta(days=more)
    return {"from": value.isoformat(), "until": until.isoformat(), "name": "Holiday"}


def today() -> date:
    return timezone.now().astimezone(UTC).date()


@pytest.fixture
def calendar() -> ExclusionCalendar:
    # Midnight may pass during a test.
    return create_calendar(name="Holidays", entries=[day(today() - timedelta(days=1), 3)])


def with_calendar(schedule: Schedule, calendar: ExclusionCalendar | None) -> Schedule:
    Schedule.objects.filter(pk=schedule.pk).update(calendar=calendar)
    return Schedule.objects.with_rule().get(pk=schedule.pk)


def test_excluded_times_are_skipped_and_say_by_what(
    scheduled: Scheduled, calendar: ExclusionCalendar
) -> None:
    schedule = with_calendar(scheduled(missed=3, misfire="run_all"), calendar)
    wake_schedules()
    wake_schedules()
    assert ledger(schedule) == [("skipped_excluded", "calendar")] * 3
    assert {row.calendar_name for row in Occurrence.objects.all()} == {"Holidays"}
    assert runs() == []
    schedule = with_calendar(schedule, calendar)
    assert schedule.next_run_at is not None
    assert schedule.next_run_at.date() == today() + timedelta(days=3)
    assert store.describe(schedule)["next_run_at"] == schedule.next_run_at
    assert schedule.next_due_at < schedule.next_run_at
    assert [run.at for run in upcoming_runs(Schedule.objects.with_rule(), most=1)] == [
        schedule.next_run_at
    ]


def test_of_missed_times_the_latest_allowed_one_runs(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployments.schedules import serving

    # Two missed times of yesterday and one of today, which is left out.
    schedule = scheduled(missed=3, interval_seconds=86_400, misfire_window_seconds=10 * 86_400)
    dues = [schedule.next_due_at + timedelta(days=n) for n in range(3)]
    calendar = create_calendar(name="Late", entries=[day(dues[2].date())])
    for at_once in (2000, 1):
        Occurrence.objects.all().delete()
        monkeypatch.setattr(serving, "TIMES_AT_ONCE", at_once)
        with_calendar(schedule, calendar)
        Schedule.objects.update(next_due_at=dues[0])
        wake_schedules()
        assert ledger(schedule) == [
            ("coalesced", "misfire=run_latest"), ("ran", "misfire=run_latest"),
            ("skipped_excluded", "calendar"),
        ]  # fmt: skip


def test_a_one_off_goes_on_until_a_day_that_is_allowed(
    scheduled: Scheduled, calendar: ExclusionCalendar
) -> None:
    schedule = with_calendar(scheduled(one_off=True), calendar)
    wake_schedules()
    assert ledger(schedule) == [("skipped_excluded", "calendar")]
    schedule = Schedule.objects.with_rule().get()
    assert schedule.beat_task.enabled
    assert schedule.next_due_at is not None
    change_calendar(calendar=calendar, name="Holidays", entries=[])
    Schedule.objects.update(next_due_at=timezone.now() - timedelta(seconds=1))
    wake_schedules()
    assert [row[0] for row in ledger(schedule)].count("ran") == 1
    assert not Schedule.objects.with_rule().get().beat_task.enabled


def test_a_change_first_serves_what_was_due(
    scheduled: Scheduled, calendar: ExclusionCalendar
) -> None:
    schedule = with_calendar(scheduled(missed=2, misfire="run_all"), calendar)
    before = schedule.next_due_at
    change_calendar(calendar=calendar, name="Holidays", entries=[])
    # Due while the days were excluded: skipped by them, though nobody served them in time.
    assert ledger(schedule) == [("skipped_excluded", "calendar")] * 2
    schedule = Schedule.objects.with_rule().get()
    assert schedule.next_due_at == before + timedelta(seconds=20)
    assert schedule.next_run_at == schedule.next_due_at
    change_calendar(calendar=calendar, name="New name", entries=[day(today(), 1)])
    schedule = Schedule.objects.with_rule().get()
    assert schedule.next_due_at < schedule.next_run_at
    wake_schedules()
    assert Occurrence.objects.count() == len({row.due_at for row in Occurrence.objects.all()})


def test_deleting_one_in_use_must_be_confirmed(
    scheduled: Scheduled, calendar: ExclusionCalendar
) -> None:
    schedule = with_calendar(scheduled(), calendar)
    with pytest.raises(CalendarInUse, match="1 schedule uses"):
        delete_calendar(calendar=calendar)
    delete_calendar(calendar=calendar, confirmed=True)
    schedule = Schedule.objects.with_rule().get()
    assert (schedule.calendar, schedule.next_run_at) == (None, schedule.next_due_at)
    assert ledger(schedule) == [("skipped_excluded", "calendar")]
    assert Occurrence.objects.get().calendar_name == "Holidays"


def test_a_schedule_without_any_day_left_says_so(deploy: Callable[..., Deployment]) -> None:
    deployment, now = deploy(), timezone.now()
    end = now + timedelta(days=5)
    calendar = create_calendar(name="All", entries=[day(today(), 10)])
    rule = {"interval_seconds": 3600, "input_data": {"number": 1}, "end_at": end}
    with pytest.raises(ScheduleInvalid) as refused:
        add_schedule(deployment=deployment, fields={**rule, "calendar_id": calendar.pk})
    assert "leaves out every planned time" in str(refused.value.errors)
    schedule = add_schedule(deployment=deployment, fields=rule)
    with pytest.raises(ScheduleInvalid):
        update_schedule(schedule=schedule, changes={"calendar_id": calendar.pk})
    empty = create_calendar(name="Empty")
    update_schedule(schedule=schedule, changes={"calendar_id": str(empty.pk)})
    change_calendar(calendar=empty, name="Empty", entries=calendar.entries)
    described = store.describe(Schedule.objects.with_rule().get())
    assert described["is_all_left_out"]
    assert described["next_run_at"] is None
    assert store.preview_schedule(Schedule.objects.with_rule().get()) == []
    with pytest.raises(ScheduleInvalid):
        update_schedule(schedule=schedule, changes={"calendar_id": "no-such"})


def test_a_backfill_leaves_excluded_days_out_unless_told(
    scheduled: Scheduled, calendar: ExclusionCalendar
) -> None:
    schedule = with_calendar(scheduled(missed=3), calendar)
    wake_schedules()
    until = timezone.now() - timedelta(seconds=1)
    span = {"since": until - timedelta(hours=1), "until": until}
    plan = plan_backfill(schedule=schedule, **span)
    assert (plan.runs, plan.left_out > 300) == (0, True)
    short = {**span, "since": schedule.next_due_at}
    plan = plan_backfill(schedule=schedule, with_excluded=True, **short)
    assert (plan.runs, plan.left_out) == (3, 0)
    assert start_backfill(schedule=schedule, with_excluded=True, **short).runs == 3
    assert start_backfill(schedule=schedule, with_excluded=True, **short).runs == 0
    assert {policy for _, policy in ledger(schedule)} == {"backfill"}


def test_the_preview_says_what_is_left_out() -> None:
    calendar = create_calendar(name="Days", entries=[day(today() + timedelta(days=2), 1)])
    fields = {"cron_expression": "0 12 * * *", "timezone": "UTC", "calendar_id": calendar.pk}
    _, planned = store.preview_fields(fields, most=5)
    skipped = {today() + timedelta(days=n) for n in (2, 3)}
    assert not skipped & {run.local.date() for run in planned}
    assert sum("Left out before this by the calendar" in run.remark for run in planned) == 1


def test_due_days_follow_the_schedules_clock(
    deploy: Callable[..., Deployment], administrator: User
) -> None:
    calendar = create_calendar(name="One", entries=[day(date(2026, 12, 25))])
    rule = {"cron_expression": "30 23 * * *", "timezone": "America/New_York",
            "start_at": datetime(2026, 12, 24, tzinfo=UTC), "input_data": {"number": 1},
            "calendar_id": str(calendar.pk)}  # fmt: skip
    schedule = deploy(schedule=rule).schedules.with_rule().get()
    shown = [run.local.date().day for run in store.preview_schedule(schedule, most=3)]
    assert shown == [23, 24, 26]
