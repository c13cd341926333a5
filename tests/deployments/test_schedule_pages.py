"""The pages of schedules: add, edit, switch, delete, preview, next runs and outcomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.schedules.store import describe
from executor.models import Execution

pytestmark = pytest.mark.django_db(transaction=True)
Deploy = Callable[..., Deployment]
Scheduled = Callable[..., Schedule]
CRON = {
    "kind": "cron", "cron_expression": "0 9 * * 1-5", "timezone": "Europe/Berlin", "enabled": "on",
    "schedule_input": '{"number": 1}',
}  # fmt: skip


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


def url_of(schedule: Schedule, verb: str = "") -> str:
    return f"/deployments/{schedule.deployment_id}/schedules/{schedule.pk}/{verb}"


def text_of(response: Any) -> str:
    return response.content.decode()


def test_a_second_schedule_is_added_with_its_policies(browser: Client, deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    url = f"/deployments/{deployment.pk}/schedules/new/"
    assert "No schedule" not in text_of(browser.get(url))
    fields = {
        **CRON, "overlap": "queue", "misfire": "run_all", "misfire_window_seconds": "600",
        "jitter_seconds": "30", "pause_after_failures": "3", "nonexistent_time": "skip",
        "repeated_time": "twice", "schedule_input": '{"number": 5}',
        "start_at": "2027-01-31T09:00", "end_at": "2027-12-31T18:30",
    }  # fmt: skip
    answer = browser.post(url, fields)
    made = deployment.schedules.with_rule().order_by("created_at").last()
    assert made is not None
    assert answer["Location"] == url_of(made)
    shown = describe(made)
    assert shown["words"] == "every weekday at 09:00, Europe/Berlin"
    assert shown["start_at"].isoformat() == "2027-01-31T08:00:00+00:00"
    assert shown["end_at"].isoformat() == "2027-12-31T17:30:00+00:00"
    kept = {name: str(shown[name]) for name in fields if name in shown and not name.endswith("_at")}
    assert kept == {**{name: fields[name] for name in kept}, "enabled": "True"}
    assert shown["input_data"] == {"number": 5}
    page = text_of(browser.get(f"/deployments/{deployment.pk}/schedules/"))
    assert "every minute" in page
    assert "every weekday at 09:00" in page


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"cron_expression": "61 * * * *"}, "goes from 0 to 59"),
        ({"timezone": "Mars/Base"}, "There is no time zone “Mars/Base”. Choose one"),
        ({"timezone": "Berln"}, "Did you mean Europe/Berlin?"),
        ({"jitter_seconds": "-1"}, "greater than or equal to 0"),
        ({"pause_after_failures": "0"}, "greater than or equal to 1"),
        ({"overlap": "maybe"}, "Select a valid choice"),
        ({"start_at": "soon"}, "Write a date and a time"),
        ({"start_at": "2027-02-01T00:00", "end_at": "2027-01-01T00:00"}, "lies before the start"),
        ({"kind": "once"}, "Say when"),
        ({"kind": "once", "once_at": "2020-01-01T09:00"}, "has passed"),
        ({"kind": "none"}, "Select a valid choice"),
        ({"schedule_input": "[1]"}, "JSON object"),
    ],
)
def test_what_is_wrong_is_said(
    browser: Client, deploy: Deploy, fields: dict[str, str], sentence: str
) -> None:
    url = f"/deployments/{deploy().pk}/schedules/new/"
    answer = browser.post(url, {**CRON, **fields}, HTTP_HX_REQUEST="true")
    assert answer.status_code == 422
    assert text_of(answer).lstrip().startswith("<form")
    assert sentence in text_of(answer)
    assert not Schedule.objects.exists()


def test_once_is_a_time_of_one_day(browser: Client, deploy: Deploy) -> None:
    url = f"/deployments/{deploy().pk}/schedules/new/"
    fields = {**CRON, "kind": "once", "once_at": "2031-03-30T02:30", "cron_expression": ""}
    browser.post(url, fields)
    schedule = Schedule.objects.with_rule().get()
    # This time does not exist: it runs at the next time that does.
    assert schedule.next_due_at.isoformat() == "2031-03-30T01:00:00+00:00"
    assert schedule.beat_task.one_off
    page = text_of(browser.get(url_of(schedule, "edit/")))
    assert 'value="2031-03-30T02:30"' in page
    assert '<option value="once" selected>' in page


def test_editing_keeps_what_the_form_shows(browser: Client, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0, jitter_seconds=7, overlap="cancel_running", one_off=True)
    form = browser.get(url_of(schedule, "edit/")).context["form"]
    fields = {name: "" if value is None else value for name, value in form.initial.items()}
    fields["schedule_input"] = '{"number": 8}'
    assert browser.post(url_of(schedule, "edit/"), fields)["Location"] == url_of(schedule)
    again = Schedule.objects.with_rule().get()
    assert {**describe(again), "updated_at": ""} == {
        **describe(schedule), "updated_at": "", "input_data": {"number": 8},
    }  # fmt: skip


def test_switching_and_deleting(browser: Client, scheduled: Scheduled) -> None:
    schedule = scheduled(missed=0)
    for enabled in (False, True):
        browser.post(url_of(schedule, "switch/"), {"enabled": "on" if enabled else "off"})
        again = Schedule.objects.with_rule().get()
        assert again.beat_task.enabled is enabled
        assert (again.next_due_at is not None) is enabled
    assert "record of its 0 planned times" in text_of(browser.get(url_of(schedule, "delete/")))
    assert Schedule.objects.exists()
    answer = browser.post(url_of(schedule, "delete/"))
    assert answer["Location"] == f"/deployments/{schedule.deployment_id}/"
    assert not Schedule.objects.exists()


def test_the_preview_marks_days_of_change(browser: Client) -> None:
    fields = {**CRON, "cron_expression": "30 2 * * *", "start_at": "2031-03-29T12:00"}
    page = text_of(browser.post("/schedules/preview/", fields))
    assert "every day at 02:30, Europe/Berlin" in page
    assert page.count("<li") == 10
    assert page.count('class="marked"') == 1
    assert "Sun 2031-03-30 03:00:00 +02:00" in page
    assert "02:30 does not exist" in page
    wrong = text_of(browser.post("/schedules/preview/", {**CRON, "cron_expression": "* *"}))
    assert "five fields" in wrong


def test_planned_times_are_filtered_and_paged(
    browser: Client, scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deployments.views import schedules

    monkeypatch.setattr(schedules, "SHOWN_RUNS", 2)
    schedule = scheduled(missed=5, misfire="run_all")
    wake_schedules()
    for url in ("/schedules/", url_of(schedule)):
        seen, page = [], browser.get(url)
        seen += page.context["occurrences"]
        while page.context["older"]:
            page = browser.get(f"{url}?{page.context['older']}")
            seen += page.context["occurrences"]
        assert seen == list(Occurrence.objects.order_by("-due_at"))
        back = browser.get(f"{url}?{page.context['newer']}")
        assert list(back.context["occurrences"]) == seen[2:4]
        part = browser.get(
            f"{url}?outcome=ran", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="occurrences"
        )
        assert 'id="occurrences"' in text_of(part)
        assert "<html" not in text_of(part)
        assert [row.outcome for row in part.context["occurrences"]] == ["ran"]
        assert str(Execution.objects.get().pk) in text_of(part)
        for place in ("x", "9" * 40, "5_5", "-1_1", "1_"):
            assert browser.get(f"{url}?before={place}&outcome={place}").status_code == 200
