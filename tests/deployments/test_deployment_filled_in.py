"""The form for deploying, filled in with what the address names."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db
NEW = "/deployments/new/"


def named(name: str) -> dict[str, Any]:
    document = doubling() | {"name": name}
    document["input_schema"]["examples"] = [{"number": 21}]
    return document


@pytest.fixture
def design() -> Design:
    """With two versions."""
    design = create_design(document=named("Support triage!"), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM, note="First")
    change_draft(design=design, document=named("Support"), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return design


@pytest.fixture
def browser(deployer: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(deployer)


def fields(browser: Client, **query: Any) -> dict[str, str]:
    """What stands in the fields of the page."""
    answer = browser.get(NEW, query)
    assert answer.status_code == 200
    page = answer.content.decode()
    found = {
        name: unescape(value)
        for value, name in re.findall(r'value="([^"]*)"[^>]*name="(\w+)"', page)
    }
    found |= {
        name: unescape(value) for name, value in re.findall(r'name="(\w+)"\s+value="([^"]*)"', page)
    }
    for name in ("design", "version"):
        select = re.search(rf'<select name="{name}".*?</select>', page, re.DOTALL)
        assert select
        chosen = re.search(r'value="([^"]*)" selected', select[0])
        found[name] = chosen[1] if chosen else ""
        found[f"{name} choices"] = " ".join(re.findall(r'value="([^"]*)"', select[0]))
    # As fields, or as JSON where the schema names none.
    base = re.search(r'name="schedule_input:base"\s+value="([^"]*)"', page)
    area = re.search(r'<textarea[^>]*name="schedule_input".*?>(.*?)</textarea>', page, re.DOTALL)
    given = base or area
    assert given
    found["schedule_input"] = unescape(given[1]).strip()
    found["endpoint_path"] = path_of(page)
    return found


def path_of(page: str) -> str:
    tag = re.search(r'<input[^>]*name="endpoint_path"[^>]*>', page)
    value = tag and re.search(r'value="([^"]*)"', tag[0])
    return unescape(value[1]) if value else ""


def test_design_version_path_and_example_are_filled_in(browser: Client, design: Design) -> None:
    found = fields(browser, design=design.pk, version=1)
    assert found["design"] == str(design.pk)
    assert found["version"] == "1"
    assert found["version choices"] == " 2 1"
    assert found["endpoint_path"] == "/support"
    assert '"number": 21' in found["schedule_input"]


def test_the_chosen_version_is_deployed(browser: Client, design: Design) -> None:
    data = {"design": design.pk, "endpoint_path": "/one", "kind": "none", "version": "1"}
    assert browser.post(NEW, data).status_code == 302
    assert browser.post(NEW, {**data, "endpoint_path": "/two", "version": ""}).status_code == 302
    numbers = Deployment.objects.order_by("endpoint_path").values_list("version__number")
    assert list(numbers) == [(1,), (2,)]
    for wrong in ("3", "x", "-1", "1\x00", "9" * 400):
        answer = browser.post(NEW, {**data, "endpoint_path": "/three", "version": wrong})
        assert answer.status_code == 422
        assert "no such version" in answer.content.decode()


def test_a_suggested_path_is_free_and_valid(
    browser: Client, design: Design, deploy: Callable[..., Deployment]
) -> None:
    deploy(path="/support")
    deploy(path="/support-2")
    assert fields(browser, design=design.pk)["endpoint_path"] == "/support-3"
    for name in ("日本", "---", "sk-proj-" + "a1b2" * 12, "x" * 200):
        other = create_design(document=named(name), caller=SYSTEM)
        path = fields(browser, design=other.pk)["endpoint_path"]
        data = {"design": other.pk, "endpoint_path": path, "kind": "none"}
        assert "never published" in browser.post(NEW, data).content.decode(), path


def test_a_typed_path_stays_and_a_suggested_one_follows(browser: Client, design: Design) -> None:
    typed = {"endpoint_path": "/mine", "suggested_path": "/other"}
    assert fields(browser, design=design.pk, **typed)["endpoint_path"] == "/mine"
    suggested = {"endpoint_path": "/other", "suggested_path": "/other"}
    assert fields(browser, design=design.pk, **suggested)["endpoint_path"] == "/support"


@pytest.mark.parametrize("version", ["9", "x", "\x00", "9" * 400])
def test_another_version_than_there_is_means_the_latest(
    browser: Client, design: Design, version: str
) -> None:
    assert fields(browser, design=design.pk, version=version)["version"] == ""


def test_drafts_of_every_kind_can_be_chosen(browser: Client) -> None:
    """One that was never published, one that cannot be, one whose parts are of any type."""
    for document in (named("New"), cyclic(), {"blocks": 5, "input_schema": {"examples": 7}}):
        design = create_design(document=document, caller=SYSTEM)
        assert fields(browser, design=design.pk)["version choices"] == ""
    for wrong in ("", "x", "\x00", "00000000-0000-0000-0000-000000000001"):
        assert fields(browser, design=wrong)["endpoint_path"] == ""
