"""Occurrences and back-fills by the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from deployments.models import Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution
from tests.deployments.conftest import just_now

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]


@pytest.fixture
def client(
    deployer: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(deployer))


def url_of(schedule: Schedule, part: str) -> str:
    return f"/api/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/{part}"


def fill(client: APIClient, schedule: Schedule, since: Any, until: Any, **more: Any) -> Any:
    span = {"from": getattr(since, "isoformat", lambda: since)(), "until": until.isoformat()}
    return client.post(url_of(schedule, "backfill"), {**span, **more}, format="json")


def test_occurrences_are_paged_and_filtered(client: APIClient, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=5, misfire="run_all")
    wake_schedules()
    page = client.get(url_of(schedule, "occurrences?limit=2")).json()
    seen = page["results"]
    assert set(seen[0]) == {
        "id", "due_at", "outcome", "policy", "calendar_name", "started_at", "start_delay_seconds",
        "execution_id", "log_id", "status",
    }  # fmt: skip
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += page["results"]
    due = [one["due_at"] for one in seen]
    assert due == sorted(due, reverse=True)
    assert len(set(due)) == 5
    ran = client.get(url_of(schedule, "occurrences?outcome=ran")).json()["results"]
    execution = Execution.objects.get()
    assert [one["execution_id"] for one in ran] == [execution.public_id]
    assert (ran[0]["log_id"], ran[0]["status"]) == (str(execution.pk), "queued")
    assert ran[0]["start_delay_seconds"] > 40
    assert seen[0]["execution_id"] is seen[0]["log_id"] is seen[0]["status"] is None
    refused = client.get(url_of(schedule, "occurrences?outcome=maybe"))
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["outcome"])


def test_a_backfill_says_how_many_and_starts_them_once(
    client: APIClient, scheduled: Scheduled
) -> None:
    schedule = scheduled(missed=0, interval_seconds=60, overlap="allow")
    until = timezone.now()
    since = until - timedelta(minutes=10)
    asked = fill(client, schedule, since, until)
    assert asked.status_code == 200
    body = asked.json()
    assert (body["runs"], body["started"], body["one_after_another"]) == (10, False, False)
    assert not Execution.objects.exists()
    done = fill(client, schedule, since, until, confirm=True)
    assert (done.status_code, done.json()["runs"], done.json()["started"]) == (202, 10, True)
    assert Execution.objects.filter(trigger_type="scheduled").count() == 10
    assert set(Occurrence.objects.values_list("outcome", "policy")) == {("ran", "backfill")}
    again = fill(client, schedule, since, until, confirm=True).json()
    assert (again["runs"], again["already_ran"]) == (0, 10)
    assert Execution.objects.count() == 10


def test_filled_in_runs_go_one_after_another_unless_they_may_overlap(
    client: APIClient, scheduled: Scheduled
) -> None:
    schedule = scheduled(missed=0, interval_seconds=60)
    until = timezone.now()
    body = fill(client, schedule, until - timedelta(minutes=3), until, confirm=True).json()
    assert (body["runs"], body["one_after_another"]) == (3, True)
    Occurrence.objects.update(start_at=just_now())
    wake_schedules()
    wake_schedules()
    assert Execution.objects.count() == 1
    assert list(Occurrence.objects.values_list("outcome", flat=True)) == [
        "waiting",
        "waiting",
        "ran",
    ]


def test_what_was_skipped_gets_its_run_and_what_ran_is_left_alone(
    client: APIClient, scheduled: Scheduled
) -> None:
    schedule = scheduled(missed=3, overlap="allow")
    since = timezone.now() - timedelta(minutes=1)
    wake_schedules()
    assert [one.outcome for one in Occurrence.objects.all()] == ["ran", "coalesced", "coalesced"]
    # Three more lie before the first, within the minute.
    body = fill(client, schedule, since, timezone.now(), confirm=True).json()
    assert (body["runs"], body["already_ran"]) == (5, 1)
    assert set(Occurrence.objects.values_list("outcome", flat=True)) == {"ran"}
    assert Execution.objects.count() == Occurrence.objects.count() == 6


def test_a_backfill_knows_daylight_saving(client: APIClient, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0, overlap="allow")
    fields = {"cron_expression": "30 2 * * *", "timezone": "Europe/Berlin"}
    client.patch(url_of(schedule, "").rstrip("/"), fields, format="json")
    since = datetime(2026, 10, 24, tzinfo=UTC)
    assert (
        fill(client, schedule, since, since + timedelta(days=3), confirm=True).json()["runs"] == 3
    )
    assert [f"{row.due_at:%d %H:%M}" for row in Occurrence.objects.order_by("due_at")] == [
        "24 00:30", "25 00:30", "26 01:30",
    ]  # fmt: skip


def test_spans_that_cannot_be_filled(client: APIClient, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0)
    now = timezone.now()
    hour, day = timedelta(hours=1), timedelta(days=1)
    for since, until, field in (
        (now, now - hour, "until"),
        (now - hour, now + hour, "until"),
        (now - day, now, "until"),
        ("yesterday", now, "from"),
        ("0001-01-01T00:00:00Z", now, "from"),
        ("0001-01-01T00:00:00+14:00", now, "from"),
    ):
        answer = fill(client, schedule, since, until, confirm=True)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    answer = fill(client, schedule, now - hour, now, surprise=1)
    assert list(answer.json()["errors"]) == ["surprise"]
    change_deployment(deployment=schedule.deployment, caller=SYSTEM, status="inactive")
    assert fill(client, schedule, now - hour, now, confirm=True).status_code == 409
    assert not Execution.objects.exists()


def test_a_key_needs_both_scopes(
    deployer: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    scheduled: Scheduled,
) -> None:
    schedule = scheduled(missed=0)
    now = timezone.now()
    for scopes in (("manage",), ("execute",), ("read",)):
        client = api_with(key_of(deployer, scopes=scopes))
        assert fill(client, schedule, now - timedelta(hours=1), now).status_code == 403
    client = api_with(key_of(deployer, scopes=("execute", "manage")))
    assert fill(client, schedule, now - timedelta(hours=1), now).status_code == 200
