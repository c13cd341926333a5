"""Exclusion calendars on pages and in the API: who may what, and what odd files do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.models import Deployment, ExclusionCalendar, Schedule
from deployments.schedules.calendars import create_calendar
from designs.auditing.audit import AuditEntry

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
EVENT = "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20301224\r\nSUMMARY:Xmas\r\nEND:VEVENT\r\n"
FILE = f"BEGIN:VCALENDAR\r\n{EVENT}END:VCALENDAR\r\n".encode()
HOSTILE = "<img src=x onerror=alert(1)>"


def upload(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("days.ics", data, "text/calendar")


def test_a_calendar_is_made_imported_and_deleted(deployer: User, browser_of: Browser) -> None:
    browser = browser_of(deployer)
    typed = {"name": HOSTILE, "entries": f"2030-01-01 {HOSTILE}", "file": upload(FILE)}
    answer = browser.post("/calendars/new/", typed)
    calendar = ExclusionCalendar.objects.get()
    assert answer["Location"] == f"/calendars/{calendar.pk}/"
    assert [entry["from"] for entry in calendar.entries] == ["2030-01-01", "2030-12-24"]
    for address in ("/calendars/", f"/calendars/{calendar.pk}/", f"/calendars/{calendar.pk}/edit/"):
        page = browser.get(address).content.decode()
        assert "&lt;img" in page
        assert "<img src=x" not in page
    browser.post(f"/calendars/{calendar.pk}/edit/", {"name": "Plain", "entries": ""})
    calendar.refresh_from_db()
    assert (calendar.name, calendar.entries) == ("Plain", [])
    assert AuditEntry.objects.filter(object_repr="Plain").exists()
    browser.post(f"/calendars/{calendar.pk}/delete/")
    assert not ExclusionCalendar.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a", "entries": "tomorrow off"}, "entries"),
        ({"name": "a", "entries": "2026-01-05 to 2026-01-01"}, "entries"),
        ({"name": "a", "file": b"<html>"}, "file"),
        ({"name": "a", "file": b"BEGIN:VCALENDAR" + b"\0\xff" * 500_001}, "file"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    deployer: User, browser_of: Browser, fields: dict[str, Any], field: str
) -> None:
    if "file" in fields:
        fields = {**fields, "file": upload(fields["file"])}
    answer = browser_of(deployer).post("/calendars/new/", fields)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_who_may_what(viewer: User, deployer: User, browser_of: Browser) -> None:
    calendar = create_calendar(name="Days")
    browser = browser_of(viewer)
    assert browser.get("/calendars/").status_code == 200
    assert browser.get(f"/calendars/{calendar.pk}/").status_code == 200
    for path in ("new/", f"{calendar.pk}/edit/", f"{calendar.pk}/delete/"):
        assert browser.post(f"/calendars/{path}").status_code == 403
    assert Client().get("/calendars/").status_code == 302


def test_deleting_names_the_schedules_that_one_may_see(
    deploy: Callable[..., Deployment], deployer: User, browser_of: Browser
) -> None:
    calendar = create_calendar(name="Days")
    for path in ("/seen", "/hidden"):
        deploy(path=path, schedule={"interval_seconds": 60, "calendar_id": calendar.pk})
    Deployment.objects.get(endpoint_path="/hidden").groups.set([Group.objects.create(name="Few")])
    page = browser_of(deployer).get(f"/calendars/{calendar.pk}/delete/").content.decode()
    assert "/seen" in page
    assert "/hidden" not in page
    assert "1 schedule not shown" in page
    browser_of(deployer).post(f"/calendars/{calendar.pk}/delete/")
    assert set(Schedule.objects.values_list("calendar", flat=True)) == {None}


def test_lists_cost_no_more_with_more_rows(
    deploy: Callable[..., Deployment], viewer: User, browser_of: Browser
) -> None:
    browser = browser_of(viewer)

    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(address).status_code == 200
        return len(found)

    calendar = create_calendar(name="Days", entries=[{"from": "2030-01-01"}])
    deploy(path="/a", schedule={"interval_seconds": 60, "calendar_id": calendar.pk})
    addresses = ("/calendars/", "/schedules/")
    for address in addresses:
        browser.get(address)
    one = [queries(address) for address in addresses]
    for number in range(4):
        create_calendar(name=f"More {number}")
        deploy(path=f"/a{number}", schedule={"interval_seconds": 60, "calendar_id": calendar.pk})
    assert [queries(address) for address in addresses] == one


def test_the_api_keeps_them(
    deploy: Callable[..., Deployment], deployer: User, viewer: User, browser_of: Browser
) -> None:
    api, json = browser_of(deployer), {"content_type": "application/json"}
    body = {"name": "Days", "entries": [{"from": "2030-01-01"}]}
    answer = api.post("/api/calendars", body, **json)
    assert answer.status_code == 201
    url, calendar = answer["Location"], answer.json()
    assert (calendar["days"], calendar["schedule_ids"]) == (1, [])
    schedule = deploy(
        schedule={"interval_seconds": 60, "calendar_id": calendar["id"]}
    ).schedules.get()
    assert api.get(url).json()["schedule_ids"] == [str(schedule.pk)]
    assert api.get("/api/calendars").json()["results"][0]["name"] == "Days"
    wide = {**body, "entries": [{"from": "2030-01-01", "until": "2030-01-03", "name": "x"}]}
    assert api.put(url, wide, **json).json()["days"] == 3
    assert api.post("/api/calendars", body, **json).status_code == 422
    for entries in ("x", [1], [{"from": 1}], [{"from": {"a": []}}], {"from": "2030-01-01"}):
        assert api.put(url, {**body, "entries": entries}, **json).status_code == 422, entries
    assert browser_of(viewer).delete(url).status_code == 403
    assert api.delete(url).status_code == 409
    assert api.delete(f"{url}?confirm=true").status_code == 204
    assert Schedule.objects.get().calendar is None


def test_presets_fill_the_form_in(viewer: User, browser_of: Browser) -> None:
    data = {"kind": "interval", "preset": "0 9 * * 1-5", "timezone": "UTC"}
    page = browser_of(viewer).post("/schedules/preview/", data).content.decode()
    assert 'value="0 9 * * 1-5"' in page
    assert "every weekday at 09:00" in page
    odd = browser_of(viewer).post("/schedules/preview/", {**data, "preset": HOSTILE})
    assert odd.status_code == 200
    assert "hx-swap-oob" not in odd.content.decode()
