"""Saving a schedule's form unchanged changes nothing, on the page and in the admin."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.forms import MultiWidget
from django.test import Client

from deployments.models import Deployment, Schedule
from deployments.schedules.store import describe
from tests.page_forms import forms_of

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


@pytest.fixture
def browser(administrator: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(administrator)


@pytest.mark.parametrize(
    "rule",
    [
        {"interval_seconds": 3600, "start_at": "2027-11-28T10:00:15Z"},
        {"interval_seconds": 86_400 * 366 - 1, "end_at": "2029-11-28T10:00:15.250+00:00"},
        # Half past two comes twice in Berlin on this day; this is the second.
        {
            "cron_expression": "0 9 * * *", "timezone": "Europe/Berlin",
            "start_at": "2027-10-31T01:30:00.5Z",
        },
        # Once, but unlike the form's own: the first matching day is a year later.
        {
            "cron_expression": "0 9 28 11 *", "timezone": "Europe/Berlin", "one_off": True,
            "start_at": "2027-11-28T12:00:00Z",
        },
        {"cron_expression": "0 9 * * *", "timezone": "EST5EDT"},
    ],
)  # fmt: skip
def test_saving_without_a_change_changes_nothing(
    browser: Client, deploy: Deploy, rule: dict[str, Any]
) -> None:
    times = {
        name: datetime.fromisoformat(rule[name]) for name in ("start_at", "end_at") if name in rule
    }
    schedule = deploy(schedule={**rule, **times}).schedules.get()
    before = stored(schedule)
    page = f"/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/edit/"
    shown = forms_of(browser.get(page).content.decode(), page)
    form = next(form for form in shown if "timezone" in form.values)
    # A ticked box has no value of its own: browsers say "on".
    ticked = {name: ["on"] for name in ("enabled", "one_off") if form.values.get(name)}
    answer = browser.post(
        page, form.body(**ticked), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 302
    assert stored(schedule) == before
    admin_url = f"/admin/deployments/schedule/{schedule.pk}/change/"
    form = browser.get(admin_url).context["adminform"].form
    answer = browser.post(admin_url, typed(form))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert stored(schedule) == before


def stored(schedule: Schedule) -> dict[str, Any]:
    return {**describe(Schedule.objects.with_rule().get(pk=schedule.pk)), "updated_at": ""}


def typed(form: Any) -> dict[str, Any]:
    """The data that a browser sends for the unchanged form."""
    fields: dict[str, Any] = {}
    for bound in form:
        value, widget = bound.value(), bound.field.widget
        if isinstance(widget, MultiWidget):
            parts = zip(widget.widgets, widget.decompress(value), strict=True)
            for number, (inner, part) in enumerate(parts):
                fields[f"{bound.html_name}_{number}"] = inner.format_value(part) or ""
        elif value is True:
            fields[bound.html_name] = "on"
        elif value is not None and value is not False:
            fields[bound.html_name] = value
    return fields
