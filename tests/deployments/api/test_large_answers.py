"""Answers of the history are bounded by bytes, however large its rows and many its steps are."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from executor.models import BlockResult, Execution, Step
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
MEGABYTE = 1_000_000
MOST = 2 * MEGABYTE
# Of one page, with what its rows take while they are read, shown and written.
MAX_MEMORY = 40 * MEGABYTE


@pytest.fixture
def runs(deploy: Callable[..., Deployment]) -> list[Execution]:
    """Twenty runs of 0.9 MB, newest first, and as many small ones."""
    deployment = deploy()
    return [
        ended(
            deployment, days_ago=number, result_data={"text": "x" * (900_000 if number < 20 else 9)}
        )
        for number in range(40)
    ]


def pages_of(browser: Client, url: str, link: str = "next") -> list[dict[str, Any]]:
    found = []
    while url:
        answer = browser.get(url)
        assert answer.status_code == 200, answer.content
        found.append({**answer.json(), "bytes": len(answer.content)})
        url = found[-1][link]
    return found


@pytest.mark.parametrize("place", ["executions", "deployments/{}/logs"])
def test_a_page_ends_early_and_the_cursor_goes_on(
    runs: list[Execution], administrator: User, browser_of: Browser, place: str
) -> None:
    browser = browser_of(administrator)
    url = f"/api/{place.format(runs[0].deployment_id)}?limit=30"
    pages = pages_of(browser, url)
    assert [len(page["results"]) for page in pages] == [2] * 9 + [22]
    assert all(page["bytes"] <= MOST for page in pages)
    ids = [row["id"] for page in pages for row in page["results"]]
    assert ids == [str(run.pk) for run in runs]
    back = pages_of(browser, pages[-1]["previous"], "previous")
    assert [row["id"] for page in back[::-1] for row in page["results"]] == ids[:18]


def test_memory_of_a_page_is_bounded(
    runs: list[Execution], administrator: User, browser_of: Browser
) -> None:
    browser = browser_of(administrator)
    browser.get("/api/executions?limit=1")
    tracemalloc.start()
    try:
        browser.get("/api/executions?limit=500")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_MEMORY


def test_who_sees_no_payloads_reads_none(
    runs: list[Execution], viewer: User, browser_of: Browser
) -> None:
    [page] = pages_of(browser_of(viewer), "/api/executions?limit=40")
    assert len(page["results"]) == 40
    assert all(row["result_data"] is None and row["payload_hidden"] for row in page["results"])


def test_a_row_beyond_the_bound_comes_alone(
    deploy: Callable[..., Deployment], administrator: User, browser_of: Browser
) -> None:
    deployment = deploy()
    for number in range(3):
        ended(deployment, days_ago=number, result_data="y" * 3 * MEGABYTE)
    pages = pages_of(browser_of(administrator), "/api/executions")
    assert [len(page["results"]) for page in pages] == [1, 1, 1]


def step(execution: Execution, number: int, size: int) -> Step:
    at = execution.created_at
    return Step(
        execution=execution, key=f"a/{number}", block_id=f"b{number % 3}", purpose="answer",
        model="m", text="z" * size, started_at=at, finished_at=at,
    )  # fmt: skip


def test_steps_come_in_pages_of_so_many_bytes(
    deploy: Callable[..., Deployment], administrator: User, browser_of: Browser
) -> None:
    execution = ended(deploy())
    Step.objects.bulk_create(step(execution, number, 600_000) for number in range(10))
    browser = browser_of(administrator)
    pages = pages_of(browser, f"/api/executions/{execution.pk}/steps?limit=500")
    assert [len(page["results"]) for page in pages] == [3, 3, 3, 1]
    whole = browser.get(f"/api/executions/{execution.pk}")
    assert len(whole.content) < MOST + MEGABYTE
    body = whole.json()
    rest = pages_of(browser, body["steps_next"])
    keys = [row["key"] for row in body["steps"] + [r for page in rest for r in page["results"]]]
    assert keys == [f"a/{number}" for number in range(10)]


def test_outputs_without_room_say_so_and_are_shown_one_by_one(
    deploy: Callable[..., Deployment], administrator: User, viewer: User, browser_of: Browser
) -> None:
    execution = ended(deploy())
    for number in range(5):
        BlockResult.objects.create(
            execution=execution, block_id=f"b{number}", status="completed", output="o" * 800_000
        )
    url = f"/api/executions/{execution.pk}"
    browser = browser_of(administrator)
    answer = browser.get(url)
    assert len(answer.content) < MOST + MEGABYTE
    blocks = answer.json()["blocks"]
    assert [block["output_omitted"] for block in blocks] == [False, False, True, True, True]
    assert [block["output"] is None for block in blocks] == [False, False, True, True, True]
    [one] = browser.get(f"{url}?block=b4").json()["blocks"]
    assert (one["block_id"], len(one["output"])) == ("b4", 800_000)
    hidden = browser_of(viewer).get(url).json()["blocks"]
    assert [block["output"] for block in hidden] == [None] * 5
    assert browser.get(f"{url}?blok=b4").status_code == 422


def test_the_page_of_a_run_shows_its_last_steps(
    deploy: Callable[..., Deployment], administrator: User, browser_of: Browser
) -> None:
    execution = ended(deploy())
    Step.objects.bulk_create(step(execution, number, 100_000) for number in range(420))
    page = browser_of(administrator).get(f"/executions/{execution.pk}/").content.decode()
    assert len(page) < 3 * MEGABYTE
    assert "Earlier steps are not shown here" in page
    assert f"/api/executions/{execution.pk}/steps" in page
