"""The schedules of one deployment: each with its switch, its last outcome and its delay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment, Occurrence, Schedule
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor.models import Execution, Trigger

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]
HTMX = {"HX-Request": "true", "HX-Target": "live"}


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def schedule(deploy: Deploy) -> Schedule:
    return deploy(schedule={"interval_seconds": 3_600}).schedules.get()


def tab_of(schedule: Schedule) -> str:
    return f"/deployments/{schedule.deployment_id}/schedules/"


def test_a_row_tells_the_last_outcome_and_its_delay(
    viewer: User, browser_of: Browser, schedule: Schedule
) -> None:
    browser = browser_of(viewer)
    assert "Nothing due yet" in text_of(browser.get(tab_of(schedule)))
    run = invoke_deployment(
        deployment=schedule.deployment,
        input_data={"number": 1},
        trigger=Trigger.SCHEDULED,
        caller=SYSTEM,
    )
    due = timezone.now() - timedelta(hours=2)
    Execution.objects.filter(pk=run.pk).update(
        status="failed", started_at=due + timedelta(seconds=31), completed_at=timezone.now()
    )
    for back, outcome in ((1, "skipped_overlap"), (0, "ran")):
        at = due - timedelta(hours=back)
        Occurrence.objects.create(
            schedule=schedule, due_at=at, outcome=outcome, execution=run if not back else None
        )
    part = text_of(browser.get(tab_of(schedule), headers=HTMX))
    assert part.startswith('<section class="card" id="live"')
    assert "Failed" in part
    assert "31.0 s" in part
    assert "Skipped:" not in part


def test_a_switch_turns_it_off_in_its_row(
    deployer: User, viewer: User, browser_of: Browser, schedule: Schedule
) -> None:
    browser = browser_of(deployer)
    assert 'aria-checked="true"' in text_of(browser.get(tab_of(schedule))).split('id="live"')[1]
    switch = f"{tab_of(schedule)}{schedule.pk}/switch/"
    answer = browser.post(switch, {"enabled": "off"}, headers=HTMX)
    assert (answer.status_code, answer["HX-Trigger"]) == (204, "fresh")
    assert 'aria-checked="false"' in text_of(browser.get(tab_of(schedule), headers=HTMX))
    assert "data-switch" not in text_of(browser_of(viewer).get(tab_of(schedule), headers=HTMX))
    # Its input fits no more: why it stays off is said.
    Schedule.objects.filter(pk=schedule.pk).update(input_data={})
    answer = browser.post(switch, {"enabled": "on"}, headers=HTMX)
    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("text/plain")
    assert "refuses the input" in text_of(answer)
