"""Calendars that are changed or deleted while schedules that use them are saved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from deployments.models import Deployment, ExclusionCalendar, Schedule
from deployments.schedules import calendars, scheduling
from deployments.schedules.calendars import change_calendar, create_calendar, delete_calendar
from deployments.schedules.scheduling import update_schedule
from tests.deployments.test_calendars import day
from tests.deployments.test_retention_races import waits_for_a_lock
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def calendar() -> ExclusionCalendar:
    return create_calendar(name="Holidays")


@pytest.fixture
def schedule(deploy: Callable[..., Deployment]) -> Schedule:
    return deploy(schedule={"interval_seconds": 3_600}).schedules.get()


def next_day(schedule: Schedule) -> int:
    """Of its next run: 0 today, or more days later."""
    schedule.refresh_from_db()
    assert schedule.next_run_at is not None
    return (schedule.next_run_at.date() - timezone.now().astimezone(UTC).date()).days


def three_days() -> list[dict[str, str]]:
    # Midnight may pass during a test.
    return [day(timezone.now().astimezone(UTC).date(), 2)]


def before(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], Any]) -> None:
    """Once, when the function is called the next time."""
    real = getattr(module, name)

    def late(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(module, name, real)
        act()
        return real(*args, **options)

    monkeypatch.setattr(module, name, late)


def test_deleting_one_waits_for_a_schedule_that_is_saved(
    monkeypatch: pytest.MonkeyPatch, calendar: ExclusionCalendar, schedule: Schedule
) -> None:
    update_schedule(schedule=schedule, changes={"calendar_id": str(calendar.pk)})
    failed: list[Exception] = []

    def delete() -> None:
        try:
            delete_calendar(calendar=calendar, confirmed=True)
        except Exception as error:  # noqa: BLE001 - judged below
            failed.append(error)
        finally:
            connection.close()

    other = threading.Thread(target=delete)

    def begin() -> None:
        other.start()
        if connection.vendor == "postgresql":
            wait_until(waits_for_a_lock)

    before(monkeypatch, scheduling, "_locked_calendar", begin)
    update_schedule(schedule=schedule, changes={"interval_seconds": 7_200})
    other.join()
    assert failed == []
    schedule.refresh_from_db()
    assert schedule.calendar_id is None
    assert not ExclusionCalendar.objects.exists()


def test_a_schedule_that_begins_to_use_one_runs_by_its_newest_days(
    monkeypatch: pytest.MonkeyPatch, calendar: ExclusionCalendar, schedule: Schedule
) -> None:
    def change() -> None:
        change_calendar(calendar=calendar, name="Holidays", entries=three_days())

    # The schedule's save has read the calendar already.
    before(monkeypatch, scheduling, "_locked_calendar", change)
    update_schedule(schedule=schedule, changes={"calendar_id": str(calendar.pk)})
    assert next_day(schedule) >= 2


def test_a_change_plans_a_schedule_anew_that_began_to_use_it_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
    calendar: ExclusionCalendar,
    schedule: Schedule,
    deploy: Callable[..., Deployment],
) -> None:
    user = deploy(path="/user", schedule={"interval_seconds": 60}).schedules.get()
    use = {"calendar_id": str(calendar.pk)}
    update_schedule(schedule=user, changes=use)
    # The change has looked up the schedules that use it.
    later = partial(update_schedule, schedule=schedule, changes=use)
    before(monkeypatch, calendars, "_caught_up", later)
    change_calendar(calendar=calendar, name="Holidays", entries=three_days())
    assert [next_day(each) >= 2 for each in (user, schedule)] == [True, True]


def test_one_that_was_deleted_meanwhile_is_an_error_of_its_field(
    monkeypatch: pytest.MonkeyPatch, calendar: ExclusionCalendar, schedule: Schedule
) -> None:
    before(monkeypatch, scheduling, "_locked_calendar", lambda: delete_calendar(calendar=calendar))
    with pytest.raises(scheduling.ScheduleInvalid) as raised:
        update_schedule(schedule=schedule, changes={"calendar_id": str(calendar.pk)})
    assert list(raised.value.errors) == ["calendar_id"]
