"""No backfill of times that retention has removed: they may have run, and would run twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.errors import BackfillRefused
from deployments.models import Deployment, RetentionPolicy, Schedule
from deployments.retention import sweep
from deployments.schedules.backfill import plan_backfill, start_backfill
from deployments.schedules.pump import wake_schedules
from executor.models import Execution, Status
from tests.deployments.ended_runs import keep

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def schedule(deploy: Deploy) -> Schedule:
    found = deploy(schedule={"interval_seconds": 86_400, "overlap": "allow"}).schedules.get()
    anchor = timezone.now() - timedelta(days=100)
    Schedule.objects.filter(pk=found.pk).update(anchor_at=anchor)
    return Schedule.objects.with_rule().get(pk=found.pk)


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def fill_in(schedule: Schedule, first: float, last: float) -> int:
    return start_backfill(schedule=schedule, since=days_ago(first), until=days_ago(last)).runs


def end_runs() -> None:
    wake_schedules()
    Execution.objects.update(status=Status.COMPLETED, completed_at=timezone.now())


@pytest.mark.parametrize("policy", [{"history_days": 30}, {"keep_last": 3}])
def test_what_was_removed_does_not_run_again(schedule: Schedule, policy: dict[str, Any]) -> None:
    assert fill_in(schedule, 50, 44.5) == 5
    assert fill_in(schedule, 20, 14.5) == 5
    end_runs()
    keep(**policy)
    sweep()
    assert schedule.occurrences.count() < 10
    count = Execution.objects.count()
    with pytest.raises(BackfillRefused, match="could run twice") as refused:
        fill_in(schedule, 50, 44.5)
    assert refused.value.field == "from"
    with pytest.raises(BackfillRefused):
        plan_backfill(schedule=schedule, since=days_ago(50), until=days_ago(1))
    assert Execution.objects.count() == count


def test_what_is_kept_is_filled_in(schedule: Schedule) -> None:
    keep(history_days=30, keep_last=100)
    assert fill_in(schedule, 20, 14.5) == 5
    assert fill_in(schedule, 20, 14.5) == 0
    # A deployment may keep its own history forever.
    RetentionPolicy.objects.create(deployment=schedule.deployment, history_days=0)
    assert fill_in(schedule, 50, 44.5) == 5


def test_a_deployments_policy_counts(schedule: Schedule) -> None:
    keep(history_days=90)
    RetentionPolicy.objects.create(deployment=schedule.deployment, history_days=10)
    with pytest.raises(BackfillRefused, match="keep the history longer"):
        fill_in(schedule, 20, 14.5)
