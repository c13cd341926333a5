"""Trying a design from a page, without a script."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.models import Execution
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


def made(document: dict[str, Any]) -> tuple[Design, str]:
    design = create_design(document=document, caller=SYSTEM)
    return design, f"/executions/try/{design.pk}/"


def text_of(answer: Any) -> str:
    return answer.content.decode()


def test_a_try_starts_and_its_page_follows(designer: User, browser_of: Browser) -> None:
    (design, url), browser = made(doubling()), browser_of(designer)
    assert "&quot;number&quot;" in text_of(browser.get(url))
    answer = browser.post(url, {"input_data": '{"number": 4}', "model": "offline:stand-in"})
    execution = Execution.objects.get()
    assert answer["Location"] == f"/executions/{execution.pk}/"
    assert execution.input_data == {"number": 4}
    assert execution.model_override == "offline:stand-in"
    assert execution.design == design


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"input_data": "{"}, "This is not JSON"),
        ({"input_data": "[]"}, "JSON object"),
        ({"input_data": '{"number": "x"}'}, "This must be a number"),
        ({"input_data": '{"number": 1}', "model": "no:such"}, "Select a valid choice"),
    ],
    ids=("no json", "list", "text", "model"),
)
def test_an_input_that_does_not_fit_is_kept(
    designer: User, browser_of: Browser, body: dict[str, str], sentence: str
) -> None:
    _, url = made(doubling())
    answer = browser_of(designer).post(url, body)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Execution.objects.exists()


def test_a_draft_with_problems_does_not_run(designer: User, browser_of: Browser) -> None:
    _, url = made(cyclic())
    browser = browser_of(designer)
    assert "cannot run yet" in text_of(browser.get(url))
    assert browser.post(url, {"input_data": "{}"}).status_code == 422
    assert not Execution.objects.exists()


def test_who_may_not_try_designs(operator: User, browser_of: Browser) -> None:
    _, url = made(doubling())
    assert browser_of(operator).get(url).status_code == 403
    assert browser_of(operator).post(url, {"input_data": "{}"}).status_code == 403


def test_a_draft_of_any_json_has_a_page(designer: User, browser_of: Browser) -> None:
    for schema in (7, [], {"examples": 3}, {"type": 4, "properties": {"a": []}}):
        _, url = made({"blocks": 7, "input_schema": schema})
        assert browser_of(designer).get(url).status_code == 200
