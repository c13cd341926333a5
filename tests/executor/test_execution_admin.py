"""Executions in the admin: looked at, cancelled, started again, never changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from designs.access import SYSTEM
from designs.models import DesignVersion
from executor.acceptance.runs import Order, accept, write
from executor.models import BlockResult, Execution, Status, Step, Trigger
from tests.admin_pages import act, text_of, url_of

pytestmark = pytest.mark.django_db
Queue = Callable[..., Execution]
LIST = "/admin/executor/execution/"


@pytest.fixture
def browser(make_user: Callable[..., User], browser_of: Callable[[User], Client]) -> Client:
    return browser_of(make_user("designer", "Designer", is_staff=True))


def step(execution: Execution, number: int, **fields: Any) -> Step:
    now = timezone.now()
    return Step.objects.create(
        execution=execution, key=f"pair/{number}", block_id="pair", purpose="answer",
        started_at=now, finished_at=now, **fields,
    )  # fmt: skip


def test_the_list_shows_what_runs(browser: Client, queue: Queue) -> None:
    execution = queue()
    page = text_of(browser.get(LIST))
    for words in (execution.short_id, "Queued", "Doubling v1", "Manual", "system"):
        assert words in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "Doubling"}, True),
        ({"q": "nothing of that name"}, False),
        ({"status__exact": "queued"}, True),
        ({"status__exact": "failed"}, False),
        ({"trigger_type__exact": "manual"}, True),
        ({"created_at_from_0": "2020-01-01", "created_at_from_1": "00:00:00"}, True),
        ({"created_at_to_0": "2020-01-01"}, False),
        ({"created_at_from_0": "some day"}, True),
        ({"degraded__exact": "1"}, False),
    ],
)
def test_the_list_is_searched_and_filtered(
    browser: Client, queue: Queue, query: dict[str, str], found: bool
) -> None:
    queue()
    assert browser.get(LIST, query).context["cl"].result_count == found


def test_an_execution_is_found_by_both_its_names(browser: Client, queue: Queue) -> None:
    execution, _ = queue(), queue()
    for name in (execution.public_id, str(execution.pk)):
        page = browser.get(LIST, {"q": name})
        assert list(page.context["cl"].result_list) == [execution]


def test_a_page_shows_blocks_steps_and_payloads_as_text(browser: Client, queue: Queue) -> None:
    execution = queue(input_data={"number": 2, "html": "<script>alert(1)</script>"})
    BlockResult.objects.create(execution=execution, block_id="pair", output=["<i>two</i>"])
    one = step(execution, 1, text="<b>bold</b>", model="offline:stand-in", input_tokens=12)
    page = text_of(browser.get(url_of(execution)))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;i&gt;two&lt;/i&gt;" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    for raw in ("<script>alert(1)", "<i>two", "<b>bold"):
        assert raw not in page
    assert url_of(one) in page
    assert "offline:stand-in" in page
    assert 'name="_save"' not in page


def test_many_steps_come_in_pages(browser: Client, queue: Queue) -> None:
    execution = queue()
    for number in range(30):
        step(execution, number)
    first = text_of(browser.get(url_of(execution)))
    assert "pair/0<" in first
    assert "pair/29<" not in first
    second = text_of(browser.get(url_of(execution), {"steps-page": "2"}))
    assert "pair/29<" in second


def test_a_failed_run_shows_its_cause(
    browser: Client, version_of: Callable[..., DesignVersion]
) -> None:
    order = Order(version_of(), {}, Trigger.SCHEDULED, SYSTEM)
    refusal = {"class": "input", "message": "The <number> is missing."}
    accepted = accept(order, refused=refusal)
    write([accepted])
    execution = accepted.execution
    page = text_of(browser.get(url_of(execution)))
    assert "Failed" in page
    assert "The &lt;number&gt; is missing." in page


def test_the_live_page_is_a_click_away(browser: Client, queue: Queue) -> None:
    execution = queue()
    assert url_of(execution, "live_page") in text_of(browser.get(url_of(execution)))
    answer = browser.get(url_of(execution, "live_page"))
    assert answer["Location"] == f"/executions/{execution.pk}/"


def test_cancelling_asks_then_cancels_once(browser: Client, queue: Queue) -> None:
    execution = queue()
    url = url_of(execution, "cancel")
    assert url in text_of(browser.get(url_of(execution)))
    browser.get(url)
    assert Execution.objects.get().status == Status.QUEUED
    assert "was told to stop" in text_of(browser.post(url, follow=True))
    assert Execution.objects.get().status == Status.CANCELLED
    assert "nothing to cancel" in text_of(browser.post(url))
    assert url not in text_of(browser.get(url_of(execution)))


def test_a_re_run_is_a_new_execution(browser: Client, queue: Queue) -> None:
    execution = queue(input_data={"number": 8})
    browser.post(url_of(execution, "rerun"))
    again = Execution.objects.exclude(pk=execution.pk).get()
    assert (again.rerun_of, again.input_data) == (execution, {"number": 8})
    assert execution.public_id in text_of(browser.get(url_of(again)))


def test_what_was_cancelled_is_resumed(browser: Client, queue: Queue) -> None:
    execution = queue(input_data={"number": 8})
    assert url_of(execution, "resume") not in text_of(browser.get(url_of(execution)))
    assert "goes on by itself" in text_of(act(browser, execution, "resume_selected"))
    act(browser, execution, "cancel_selected")
    assert url_of(execution, "resume") in text_of(browser.get(url_of(execution)))
    browser.post(url_of(execution, "resume"))
    again = Execution.objects.exclude(pk=execution.pk).get()
    assert (again.resumed_from, again.input_data) == (execution, {"number": 8})
    assert execution.public_id in text_of(browser.get(url_of(again)))
    assert "1 resumed." in text_of(act(browser, execution, "resume_selected"))


def test_selected_ones_are_cancelled_and_run_again(browser: Client, queue: Queue) -> None:
    first, second = queue(), queue()
    assert "2 told to stop." in text_of(act(browser, first, "cancel_selected", second))
    page = text_of(act(browser, first, "cancel_selected", second))
    assert "nothing to cancel" in page
    assert "2 started again." in text_of(act(browser, first, "rerun_selected", second))
    assert Execution.objects.filter(status=Status.QUEUED).count() == 2


def test_nothing_is_added_changed_or_deleted(admin_client: Client, queue: Queue) -> None:
    execution = queue()
    block = BlockResult.objects.create(execution=execution, block_id="pair")
    for row in (execution, block, step(execution, 1)):
        assert admin_client.get(url_of(row)).status_code == 200
        assert admin_client.get(url_of(row, "add")).status_code == 403
        assert admin_client.post(url_of(row), {"status": "completed"}).status_code == 403
        assert admin_client.post(url_of(row, "delete"), {"post": "yes"}).status_code == 403


def test_viewers_operate_nothing(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], queue: Queue
) -> None:
    browser = browser_of(make_user("vera", "Viewer", is_staff=True))
    execution = queue()
    page = text_of(browser.get(url_of(execution)))
    for verb in ("cancel", "rerun", "resume"):
        assert url_of(execution, verb) not in page
        assert browser.post(url_of(execution, verb)).status_code == 403
    act(browser, execution, "cancel_selected")
    assert Execution.objects.get().status == Status.QUEUED
