"""Schedules that would do something else than was meant, or nothing at all, are refused at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from deployments.models import Deployment, Schedule
from tests.deployments.api.test_schedule_calls import NEEDED, WEEKDAYS, add, url_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    administrator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(administrator))


def in_a_day() -> datetime:
    return timezone.now() + timedelta(days=1)


def test_a_time_without_an_offset_is_told_how_to_be_written(
    client: APIClient, deploy: Deploy
) -> None:
    fields = {**WEEKDAYS, **NEEDED, "start_at": "2027-01-01T08:30:00"}
    [text] = add(client, deploy(), **fields).json()["errors"]["start_at"]
    assert text == "Write a date and time with its offset, as in 2027-01-31T09:00:00+01:00."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"end_at": "2020-01-01T00:00:00Z"}, "This end has passed, so nothing would run."),
        (
            {"start_at": "2030-01-05T00:00:00Z", "end_at": "2030-01-06T00:00:00Z"},
            "No planned time lies before this end, so nothing would run.",
        ),
    ],
)
def test_what_would_never_run_is_refused(
    client: APIClient, deploy: Deploy, fields: dict[str, Any], text: str
) -> None:
    deployment = deploy(schedule=WEEKDAYS)
    url = url_of(deployment, deployment.schedules.get().pk)
    for answer in (
        add(client, deployment, **WEEKDAYS, **NEEDED, **fields),
        client.patch(url, fields, format="json"),
    ):
        assert (answer.status_code, answer.json()["errors"]) == (422, {"end_at": [text]})
    assert deployment.schedules.count() == 1


def test_what_has_come_to_its_end_may_still_be_changed(client: APIClient, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60, "end_at": in_a_day()})
    schedule = deployment.schedules.get()
    schedule.beat_task.expires = in_a_day() - timedelta(days=2)
    schedule.beat_task.save()
    url = url_of(deployment, schedule.pk)
    changed = client.patch(url, {"jitter_seconds": 3}, format="json")
    assert (changed.status_code, changed.json()["jitter_seconds"]) == (200, 3)


def test_an_input_that_the_version_refuses_is_refused_now(
    client: APIClient, deploy: Deploy
) -> None:
    deployment = deploy(schedule=WEEKDAYS)
    url = url_of(deployment, deployment.schedules.get().pk)
    for given in ({"number": "x"}, {}):
        for answer in (
            add(client, deployment, **WEEKDAYS, input_data=given),
            client.patch(url, {"input_data": given}, format="json"),
            client.post(
                "/api/deployments",
                {
                    "design_id": str(deployment.design_id), "endpoint_path": "/other",
                    "schedule": {**WEEKDAYS, "input_data": given},
                },
                format="json",
            ),
        ):  # fmt: skip
            assert answer.status_code == 422
            assert any("input_data" in name for name in answer.json()["errors"])
    # Another version may have come to want another input: the rest can be changed all the same.
    Schedule.objects.update(input_data={"number": "x"})
    assert client.patch(url, {"jitter_seconds": 3}, format="json").status_code == 200
