"""Executing by hand, and the preview of a schedule that is being typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from deployments.services import change_deployment
from designs.access import SYSTEM
from executor.models import Execution, Trigger

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


def text_of(response: Any) -> str:
    return response.content.decode()


def test_a_run_is_started_and_its_page_follows(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    browser = browser_of(operator)
    # The form offers an input that fits.
    assert 'name="input_data:/number"' in text_of(browser.get(url))
    answer = browser.post(url, {"input_data": '{"number": 21}'})
    execution = Execution.objects.get()
    assert answer["Location"] == f"/executions/{execution.pk}/"
    assert execution.trigger_type == Trigger.MANUAL
    assert execution.triggered_by == "operator"
    assert execution.input_data == {"number": 21}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "This is not JSON"),
        ("[]", "JSON object"),
        ('{"number": "two"}', "number: This must be"),
        ("{}", "number"),
        ('{"number": 1, "number": 2}', "stands twice"),
        ('{"number": 1e999}', "too large"),
        ('{"number": NaN}', "NaN"),
        ('{"number": "\\u0000"}', "NUL"),
    ],
)
def test_an_input_that_does_not_fit_is_refused_in_words(
    operator: User, browser_of: Browser, deploy: Deploy, text: str, sentence: str
) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    answer = browser_of(operator).post(url, {"input_data": text})
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not Execution.objects.exists()


def filled_in(**fields: str) -> dict[str, str]:
    named = {f"input_data:/{name}": text for name, text in fields.items()}
    return {"input_data:mode": "form", "input_data:base": "{}", **named}


def test_the_fields_are_the_input(operator: User, browser_of: Browser, deploy: Deploy) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    browser = browser_of(operator)
    browser.post(url, filled_in(number="21"))
    assert Execution.objects.get().input_data == {"number": 21}
    refused = browser.post(url, filled_in(number="two"))
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in text_of(refused)
    assert 'value="two"' in text_of(refused)


def test_a_button_of_the_form_starts_nothing(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    answer = browser_of(operator).post(url, filled_in(number="4") | {"input_data:do": "json"})
    assert answer.status_code == 200
    assert "&quot;number&quot;: 4" in text_of(answer)
    assert not Execution.objects.exists()


def test_htmx_shows_the_run_beside_the_form(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    browser = browser_of(operator)
    answer = browser.post(url, filled_in(number="21"), headers={"HX-Request": "true"})
    execution = Execution.objects.get()
    assert answer["HX-Push-Url"] == f"{url}?run={execution.pk}"
    page = text_of(answer)
    assert "<html" not in page
    assert f"/executions/{execution.pk}/cancel/" in page
    assert f'data-url="/executions/{execution.pk}/?small=1"' in page
    part = browser.get(f"/executions/{execution.pk}/?small=1", headers={"HX-Request": "true"})
    assert 'id="run"' in text_of(part)
    assert f"?run={execution.pk}&amp;block=" in text_of(part)
    assert 'id="execute"' not in text_of(part)


def test_recent_inputs_are_one_s_own(
    operator: User, deployer: User, viewer: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    url = f"/deployments/{deployment.pk}/execute/"
    browser = browser_of(operator)
    for number in (1, 2, 2, 3, 4, 5, 6):
        browser.post(url, filled_in(number=str(number)))
    browser.post(f"/deployments/{deploy(path='/other').pk}/execute/", filled_in(number="987654"))
    page = text_of(browser.get(url))
    assert page.count("?input=") == 2 * 5
    assert "987654" not in page
    assert "?input=" not in text_of(browser_of(deployer).get(url))
    assert browser_of(viewer).get(url).status_code == 403
    latest = Execution.objects.filter(deployment=deployment).order_by("-id")[0]
    assert 'value="6"' in text_of(browser.get(f"{url}?input={latest.pk}"))


@pytest.mark.parametrize("name", ["run", "input"])
@pytest.mark.parametrize("text", ["x", "\0", "1" * 400, "00000000-0000-0000-0000-000000000000"])
def test_a_run_that_is_none_shows_none(
    operator: User, browser_of: Browser, deploy: Deploy, name: str, text: str
) -> None:
    url = f"/deployments/{deploy().pk}/execute/"
    answer = browser_of(operator).get(url, {name: text})
    assert answer.status_code == 200
    assert 'id="run"' not in text_of(answer)


def test_it_says_what_a_run_takes_at_most(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    page = text_of(browser_of(operator).get(f"/deployments/{deploy().pk}/execute/"))
    assert "no model calls, at most" in page


def test_an_inactive_deployment_says_so(
    operator: User, browser_of: Browser, deploy: Deploy
) -> None:
    deployment = deploy()
    change_deployment(deployment=deployment, caller=SYSTEM, status="inactive")
    answer = browser_of(operator).post(
        f"/deployments/{deployment.pk}/execute/", {"input_data": '{"number": 1}'}
    )
    assert answer.status_code == 422
    assert "is inactive" in text_of(answer)


def test_the_preview_shows_words_and_times(deployer: User, browser_of: Browser) -> None:
    fields = {"kind": "cron", "cron_expression": "30 8 * * 1", "timezone": "Asia/Kolkata"}
    page = text_of(browser_of(deployer).post("/schedules/preview/", fields))
    assert "Asia/Kolkata" in page
    assert page.count("<li>") == 10
    assert page.count("08:30:00 +05:30") == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "cron", "cron_expression": "x"},
        {"kind": "cron", "cron_expression": "0 9 * *", "timezone": "UTC"},
        {"kind": "interval", "every": "-1"},
        {"kind": "interval", "every": "1000000", "unit": "days"},
        {"kind": "none"},
        {"kind": "strange"},
        {},
    ],
)
def test_the_preview_never_breaks(
    deployer: User, browser_of: Browser, fields: dict[str, str]
) -> None:
    answer = browser_of(deployer).post("/schedules/preview/", fields)
    assert answer.status_code == 200
    assert "<ol>" not in text_of(answer)


def test_the_list_of_schedules(viewer: User, browser_of: Browser, deploy: Deploy) -> None:
    browser = browser_of(viewer)
    assert "Nothing is scheduled" in text_of(browser.get("/schedules/"))
    deploy(schedule={"interval_seconds": 90})
    page = text_of(browser.get("/schedules/"))
    assert "every 90 seconds" in page
    assert "/double" in page
