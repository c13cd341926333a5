"""The history and the page of one execution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from executor import states
from executor.models import BlockResult, Execution, Status
from tests.documents import greeting
from tests.performing import perform_execution

Queue = Callable[..., Execution]
Browser = Callable[[User], Client]
HOSTILE = '<img src=x onerror=alert(1)><div hx-get="/evil" hx-trigger="load">'


def text_of(response: Any) -> str:
    return response.content.decode()


def finish(execution: Execution, **changes: Any) -> None:
    claimed = states.claim(execution.pk, owner="test", lease_seconds=30)
    assert claimed
    states.finish(execution.pk, Status.COMPLETED, attempt=claimed.attempt, **changes)


@pytest.mark.django_db
def test_the_history_filters_and_pages(viewer: User, browser_of: Browser, queue: Queue) -> None:
    version = queue().version
    for _ in range(54):
        queue(version)
    done = queue(version)
    finish(done, result_data=1)
    browser = browser_of(viewer)
    page = text_of(browser.get("/executions/"))
    assert page.count("<tr>") == 51
    assert "Older" in page
    assert "Newer" not in page
    oldest = Execution.objects.order_by("-id")[49]
    second = text_of(browser.get(f"/executions/?before={oldest.pk}"))
    assert second.count("<tr>") == 7
    assert "Newer" in second
    first_of_second = Execution.objects.order_by("-id")[50]
    back = text_of(browser.get(f"/executions/?after={first_of_second.pk}"))
    assert back.count("<tr>") == 51
    only = text_of(browser.get("/executions/?status=completed"))
    assert only.count("<tr>") == 2
    assert done.short_id in only
    assert done.short_id in text_of(browser.get(f"/executions/?text={done.public_id}"))
    assert "No run matches" in text_of(browser.get("/executions/?text=nothing-like-it"))
    part = text_of(browser.get("/executions/?status=completed", HTTP_HX_REQUEST="true"))
    assert "<html" not in part


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    [
        "status=odd",
        "before=odd",
        "after=x&before=y",
        "started_after=32-13",
        "deployment=1",
        "text=%00",
    ],
)
def test_odd_queries_break_nothing(
    viewer: User, browser_of: Browser, queue: Queue, query: str
) -> None:
    queue()
    assert browser_of(viewer).get(f"/executions/?{query}").status_code == 200


@pytest.mark.django_db
def test_more_rows_cost_no_more_queries(viewer: User, browser_of: Browser, queue: Queue) -> None:
    browser = browser_of(viewer)

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert browser.get("/executions/").status_code == 200
        return len(found)

    version = queue().version
    browser.get("/executions/")
    one = queries()
    for _ in range(10):
        queue(version)
    assert queries() == one


@pytest.mark.django_db(transaction=True)
def test_a_finished_run_shows_its_steps(operator: User, browser_of: Browser, queue: Queue) -> None:
    from designs.access import SYSTEM
    from designs.services import create_design, publish_design

    design = create_design(document=greeting(), caller=SYSTEM)
    execution = queue(publish_design(design=design, caller=SYSTEM), input_data={"name": HOSTILE})
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    browser = browser_of(operator)
    page = text_of(browser.get(f"/executions/{execution.pk}/"))
    assert "Completed" in page
    assert "Writer" in page
    assert "offline:stand-in" in page
    assert "data-events" not in page
    prompt = text_of(browser.get(f"/executions/{execution.pk}/?tab=prompt"))
    assert "You shorten greetings." in prompt
    for shown in (page, prompt):
        assert "<img" not in shown
        assert 'hx-get="/evil"' not in shown


@pytest.mark.django_db
def test_a_viewer_sees_no_payloads(viewer: User, browser_of: Browser, queue: Queue) -> None:
    execution = queue(input_data={"number": 987654})
    BlockResult.objects.create(execution=execution, block_id="pair", output={"inner": "abcxyz"})
    finish(execution, result_data={"secret": "hush-hush"})
    browser = browser_of(viewer)
    page = text_of(browser.get(f"/executions/{execution.pk}/"))
    assert "are hidden" in page
    for secret in ("987654", "abcxyz", "hush-hush"):
        assert secret not in page
    assert browser.get(f"/executions/{execution.pk}/result/").status_code == 403
    assert browser.post(f"/executions/{execution.pk}/rerun/").status_code == 403


@pytest.mark.django_db
def test_cancel_and_run_again(designer: User, browser_of: Browser, queue: Queue) -> None:
    execution = queue()
    browser = browser_of(designer)
    browser.post(f"/executions/{execution.pk}/cancel/")
    execution.refresh_from_db()
    assert execution.status == Status.CANCELLED
    answer = browser.post(f"/executions/{execution.pk}/cancel/", follow=True)
    assert "ended already" in text_of(answer)
    answer = browser.post(f"/executions/{execution.pk}/rerun/")
    again = Execution.objects.exclude(pk=execution.pk).get()
    assert answer["Location"] == f"/executions/{again.pk}/"
    assert again.rerun_of_id == execution.pk
    assert browser.get(f"/executions/{execution.pk}/cancel/").status_code == 405


@pytest.mark.django_db
def test_the_file_holds_what_was_given_and_what_came_back(
    operator: User, browser_of: Browser, queue: Queue
) -> None:
    execution = queue(input_data={"number": 5})
    finish(execution, result_data={"twice": 10})
    answer = browser_of(operator).get(f"/executions/{execution.pk}/result/")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.json()["result_data"] == {"twice": 10}
