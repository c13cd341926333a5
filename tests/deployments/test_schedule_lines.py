"""The time line of schedules: what came on a day, and what comes on the next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.calendars import create_calendar
from executor.models import Status
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db


def test_marks_stand_for_what_came_and_what_comes(
    deploy: Callable[..., Deployment], viewer: User, browser_of: Callable[[User], Client]
) -> None:
    deployment, now = deploy(schedule={"interval_seconds": 6 * 3600}), timezone.now()
    schedule = Schedule.objects.get()
    failed = ended(deployment, status=Status.FAILED, result_data=None)
    for hours, outcome, run in (
        (2, "ran", failed), (4, "ran", ended(deployment)), (6, "skipped_excluded", None),
        (8, "skipped_overlap", None), (30, "ran", None),
    ):  # fmt: skip
        Occurrence.objects.create(
            schedule=schedule, due_at=now - timedelta(hours=hours), outcome=outcome, execution=run
        )
    browser = browser_of(viewer)

    def line() -> Any:
        [found] = browser.get("/schedules/").context["lines"]
        return found

    assert [look for _, look in line().marks] == ["warn", "idle", "ok", "bad", *["ahead"] * 4]
    assert line().label == "4 planned times in the last 24 hours, 4 in the next 24"
    # Excluded days have no marks ahead, and one is told without a picture, too.
    today = now.date()
    span = {"from": f"{today - timedelta(days=1)}", "until": f"{today + timedelta(days=3)}"}
    Schedule.objects.update(calendar=create_calendar(name="Days", entries=[span]))
    assert [look for _, look in line().marks] == ["warn", "idle", "ok", "bad"]
    assert line().label.encode() in browser.get("/schedules/").content
