"""Moving deployments to another version of their design, by the page and over the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.test import APIClient

from deployments.errors import ScheduleInvalid
from deployments.models import Deployment
from deployments.schedules.scheduling import switch_schedule, update_schedule
from deployments.services import deploy_design
from deployments.views import moving
from designs import requests
from designs.access import SYSTEM
from designs.auditing.audit import Action
from designs.models import AuditEntry, Design
from designs.services import change_draft, create_design, publish_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db
MOVE = "/deployments/move/"


@pytest.fixture
def design() -> Design:
    """The second version takes numbers from ten on."""
    design = create_design(document=doubling(), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    document = doubling()
    document["input_schema"]["properties"]["number"]["minimum"] = 10
    change_draft(design=design, document=document, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM, note="From ten on")
    return design


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


def deployed(design: Design, path: str, version: int = 1, **fields: Any) -> Deployment:
    return deploy_design(
        design=design, endpoint_path=path, version=version, caller=SYSTEM, **fields
    )


def post(browser: Client, design: Design, version: int, *rows: Deployment) -> Any:
    data = {"design": design.pk, "version": version, "deployment": [row.pk for row in rows]}
    return browser.post(MOVE, data)


def number_of(row: Deployment) -> int:
    return Deployment.objects.select_related("version").get(pk=row.pk).version.number


def test_the_ticked_ones_move_and_back(browser: Client, design: Design) -> None:
    one, two, other = (deployed(design, f"/{name}") for name in ("one", "two", "other"))
    newest = deployed(design, "/newest", version=2)
    page = browser.get(MOVE, {"design": design.pk}).content.decode()
    assert [path in page for path in ("/one", "/two", "/other", "/newest")] == [True] * 3 + [False]
    answer = post(browser, design, 2, one, two)
    assert answer.status_code == 302
    assert [number_of(row) for row in (one, two, other, newest)] == [2, 2, 1, 2]
    page = browser.get(answer["Location"]).content.decode()
    assert "2 deployments use v2 now" in page
    # Back again is the same page with the older version.
    assert "/other" not in browser.get(MOVE, {"design": design.pk, "version": 1}).content.decode()
    assert post(browser, design, 1, newest).status_code == 302
    assert number_of(newest) == 1


def test_one_whose_schedule_no_longer_fits_stays(browser: Client, design: Design) -> None:
    rule = {"interval_seconds": 3600, "input_data": {"number": 3}}
    fits, misfit = deployed(design, "/fits"), deployed(design, "/misfit", schedule=rule)
    answer = post(browser, design, 2, fits, misfit)
    assert answer.status_code == 422
    assert [number_of(row) for row in (fits, misfit)] == [2, 1]
    page = answer.content.decode()
    assert "/fits uses v2 now" in page
    assert "refuses the input of the schedule" in page
    assert "input_data/number" in page
    # Nothing is in its way once the schedule is off.
    switch_schedule(schedule=misfit.schedules.get(), enabled=False)
    assert post(browser, design, 2, misfit).status_code == 302
    assert number_of(misfit) == 2


def test_many_are_searched_and_come_in_pages(
    browser: Client, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "PAGE_SIZE", 2)
    rows = [deployed(design, f"/many/{number}") for number in range(5)]
    asked = {"design": design.pk, "version": 2}
    page = browser.get(MOVE, asked | {"page": 3}).content.decode()
    assert [f"/many/{number}" in page for number in range(5)] == [False] * 4 + [True]
    page = browser.get(MOVE, asked | {"text": "many/3"}).content.decode()
    assert [f"/many/{number}" in page for number in range(5)] == [False] * 3 + [True, False]
    # Whichever page is shown, those that are ticked move.
    assert post(browser, design, 2, rows[4]).status_code == 302
    assert number_of(rows[4]) == 2
    for ids in ([], ["x", "\x00"]):
        answer = browser.post(f"{MOVE}?page=2&text=many", asked | {"deployment": ids})
        assert answer.status_code == 422
        assert "Tick the deployments" in answer.content.decode()


def test_a_version_that_is_older_than_the_list(
    browser: Client, design: Design, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "SHOWN", 1)
    deployed(design, "/newest", version=2)
    page = browser.get(MOVE, {"design": design.pk, "version": 1}).content.decode()
    assert "/newest" in page
    assert page.count("<option") == 2
    for version in (3, "x", "-1", "9" * 30):
        asked = {"design": design.pk, "version": version}
        assert browser.get(MOVE, asked).status_code == 404


def test_a_schedule_is_not_switched_on_with_an_input_that_is_refused(
    browser: Client, design: Design
) -> None:
    rule = {"interval_seconds": 3600, "input_data": {"number": 3}, "enabled": False}
    row = deployed(design, "/off", schedule=rule)
    assert post(browser, design, 2, row).status_code == 302
    schedule = row.schedules.get()
    url = f"/deployments/{row.pk}/schedules/{schedule.pk}/switch/"
    page = browser.post(url, {"enabled": "on"}, follow=True).content.decode()
    assert "v2 refuses the input of this schedule" in page
    for change in ({"enabled": True}, {"enabled": True, "overlap": "skip"}):
        with pytest.raises(ScheduleInvalid):
            update_schedule(schedule=schedule, changes=change)
    schedule.beat_task.refresh_from_db()
    assert not schedule.beat_task.enabled
    update_schedule(schedule=schedule, changes={"enabled": True, "input_data": {"number": 30}})
    schedule.beat_task.refresh_from_db()
    assert schedule.beat_task.enabled


def test_the_api_moves_and_says_what_no_longer_fits(
    deployer: User, api_of: Callable[[User], APIClient], design: Design
) -> None:
    rule = {"interval_seconds": 3600, "input_data": {"number": 3}}
    row = deployed(design, "/api", schedule=rule)
    client, url = api_of(deployer), f"/api/deployments/{row.pk}"
    answer = client.patch(url, {"version": 2}, format="json")
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/version-misfit"
    (sentence,) = answer.json()["errors"]["version"]
    assert "every hour" in sentence
    assert number_of(row) == 1
    both = {"version": 2, "schedule": {"input_data": {"number": 30}}}
    answer = client.patch(url, both, format="json")
    assert answer.status_code == 200, answer.content
    assert answer.json()["version"] == 2
    entry = AuditEntry.objects.filter(object_pk=row.pk, action=Action.UPDATE).latest("pk")
    assert entry.actor_name == "deployer"
    assert "version" in entry.changes


def test_what_is_not_there_is_not_found(browser: Client, design: Design) -> None:
    unpublished = create_design(document=doubling(), caller=SYSTEM)
    for query in (
        {}, {"design": "x"}, {"design": "\x00"}, {"design": unpublished.pk},
        {"design": design.pk, "version": 9}, {"design": design.pk, "version": "\x00"},
    ):  # fmt: skip
        assert browser.get(MOVE, query).status_code == 404, query
        assert browser.post(MOVE, query).status_code == 404, query


def test_only_deployments_that_one_may_see_move(browser: Client, design: Design) -> None:
    hidden = deployed(design, "/hidden")
    hidden.groups.add(Group.objects.create(name="Elsewhere"))
    elsewhere = deployed(create_design(document=doubling(), caller=SYSTEM), "/elsewhere", None)
    answer = post(browser, design, 2, hidden, elsewhere)
    assert answer.status_code == 422
    assert "/hidden" not in answer.content.decode()
    assert (number_of(hidden), number_of(elsewhere)) == (1, 1)
    for ids in ([], ["x", "\x00"]):
        data = {"design": design.pk, "version": 2, "deployment": ids}
        assert browser.post(MOVE, data).status_code == 422


def test_only_who_may_change_deployments(
    designer: User, browser_of: Callable[[User], Client], design: Design
) -> None:
    row = deployed(design, "/one")
    assert browser_of(designer).get(MOVE, {"design": design.pk}).status_code == 403
    assert post(browser_of(designer), design, 2, row).status_code == 403
    assert number_of(row) == 1
