"""Planned times with a delayed start at which no scheduler was running."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.models import Occurrence, Schedule
from deployments.schedules.pump import wake_schedules

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


@pytest.mark.parametrize(
    ("late", "fields", "expected"),
    [
        (50, {"misfire": "skip"}, ("ran", "jitter")),
        (90, {"misfire": "skip"}, ("skipped_misfire", "misfire=skip")),
        (90, {}, ("ran", "jitter")),
        (90, {"misfire_window_seconds": 80}, ("skipped_misfire", "misfire_window")),
    ],
)
def test_a_start_that_nobody_was_there_for_is_missed(
    scheduled: Scheduled, late: int, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    schedule = scheduled(jitter_seconds=3600, **fields)
    wake_schedules()
    Occurrence.objects.update(start_at=timezone.now() - timedelta(seconds=late))
    wake_schedules()
    assert list(schedule.occurrences.values_list("outcome", "policy")) == [expected]
