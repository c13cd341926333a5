"""The history's page: counts, chart, notes, saved views."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executor.history import counting
from executor.history.counting import fitting, histogram_of, window_of
from executor.models import BlockResult, Execution, SavedView, Status
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    counting._cache.clear()


def test_counts_are_links_and_the_chart_follows_the_filters(
    deploy: Callable[..., Any], operator: User, browser_of: Browser
) -> None:
    deployment, now = deploy(), timezone.now()
    for minutes, fields in (
        (5, {}),
        (10, {"status": Status.FAILED, "result_data": None}),
        (15, {"status": Status.TIMED_OUT, "result_data": None}),
        (20, {"degraded": True}),
        (60 * 30, {}),
    ):
        ended(deployment, at=now - timedelta(minutes=minutes), **fields)
    browser = browser_of(operator)
    context = browser.get("/executions/").context
    counts = {facet["label"]: (facet["count"], facet["is_chosen"]) for facet in context["facets"]}
    assert counts == {
        "All": (5, True), "Live": (0, False), "Failed": (2, False), "Degraded": (1, False),
    }  # fmt: skip
    assert context["chart"]["total"] == 4
    assert len(context["chart"]["rects"]) >= 3
    failed = next(facet for facet in context["facets"] if facet["label"] == "Failed")
    context = browser.get("/executions/" + failed["url"]).context
    assert len(context["executions"]) == context["chart"]["total"] == 2
    assert [facet["is_chosen"] for facet in context["facets"]] == [False, False, True, False]
    assert browser.get("/executions/?window=7d").context["chart"]["total"] == 5
    part = browser.get("/executions/?status=failed&text=&user=", HTTP_HX_REQUEST="true")
    assert part["HX-Push-Url"] == "/executions/?status=failed"
    since = (now - timedelta(minutes=12)).strftime("%Y-%m-%dT%H:%M:%S")
    context = browser.get(f"/executions/?since={since}").context
    assert len(context["executions"]) == 2
    assert context["chart"]["has_brush"]
    assert context["chart"]["total"] == 4


def test_counts_and_chart_read_a_limited_number_of_rows(
    deploy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, now = deploy(), timezone.now()
    for minutes in range(6):
        ended(deployment, at=now - timedelta(hours=minutes))
    monkeypatch.setattr(counting, "MAX_COUNTED", 3)
    monkeypatch.setattr(counting, "MAX_CHARTED", 3)
    counts = counting.counts_of(Execution.objects.all())
    assert (counts.all, counts.is_capped) == (3, True)
    histogram = histogram_of(Execution.objects.all(), window_of("24h", None, None, now))
    assert histogram.total == 3
    assert histogram.read_from is not None
    assert histogram_of(Execution.objects.none(), histogram.window).total == 0


def test_bars_cover_each_span() -> None:
    now = timezone.now()
    for seconds in (1, 59, 3_600, 86_400, 40 * 86_400, 50 * 365 * 86_400):
        window = fitting(now - timedelta(seconds=seconds), now)
        assert window.bars <= counting.MAX_BARS
        assert window.start <= now - timedelta(seconds=seconds)
        assert window.end >= now


def test_rows_say_why(
    deploy: Callable[..., Any], operator: User, viewer: User, browser_of: Browser
) -> None:
    deployment = deploy()
    error = {"class": "transient", "message": "<b>No</b> answer.", "block_id": None, "step": None}
    ended(deployment, status=Status.FAILED, result_data=None, error=error)
    ended(deployment, degraded=True, degraded_reasons=["A part is missing.", "Another."])
    running = ended(deployment, status=Status.RUNNING, result_data=None, completed_at=None)
    BlockResult.objects.create(execution=running, block_id="letter", status="running")
    page = browser_of(operator).get("/executions/")
    notes = [run.note for run in page.context["executions"]]
    assert {"<b>No</b> answer.", "A part is missing. (and 1 more)", "In letter"} <= set(notes)
    assert "&lt;b&gt;No" in page.content.decode()
    hidden = browser_of(viewer).get("/executions/").content.decode()
    assert "answer." not in hidden
    assert "A part is missing" not in hidden


def test_more_rows_cost_no_more_queries(
    deploy: Callable[..., Any], operator: User, browser_of: Browser
) -> None:
    deployment, browser = deploy(), browser_of(operator)
    browser.get("/executions/")

    def queries() -> int:
        counting._cache.clear()
        with CaptureQueriesContext(connection) as caught:
            browser.get("/executions/?status=completed")
        return len(caught)

    ended(deployment)
    one = queries()
    for number in range(10):
        ended(deployment, triggered_by=f"p{number}")
    assert queries() == one <= 14


def test_views_are_kept_for_each_person(operator: User, viewer: User, browser_of: Browser) -> None:
    mine, theirs = browser_of(operator), browser_of(viewer)
    query = "status=failed&before=x&text=&sort=-cost"
    answer = mine.post("/executions/views/save/", {"name": " Dear  failures ", "query": query})
    assert answer["Location"] == "/executions/?status=failed&sort=-cost"
    view = SavedView.objects.get()
    assert (view.name, view.user) == ("Dear failures", operator)
    mine.post("/executions/views/save/", {"name": "Dear failures", "query": "status=queued"})
    view.refresh_from_db()
    assert view.query == "status=queued"
    assert [each.name for each in mine.get("/executions/").context["views"]] == ["Dear failures"]
    assert theirs.get("/executions/").context["views"] == []
    assert theirs.post(f"/executions/views/{view.pk}/delete/").status_code == 404
    for name, text in (("", "a"), ("n" * 81, "a"), ("x", "text=" + "y" * 3000)):
        mine.post("/executions/views/save/", {"name": name, "query": text})
    odd = {"name": "\0o\0", "query": "&".join(f"a{n}=1" for n in range(2000))}
    assert mine.post("/executions/views/save/", odd).status_code == 302
    assert SavedView.objects.count() == 1
    mine.post(f"/executions/views/{view.pk}/delete/")
    assert not SavedView.objects.exists()


def test_a_person_keeps_a_limited_number(
    operator: User, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from executor.history import saved_views

    monkeypatch.setattr(saved_views, "MAX_VIEWS", 2)
    browser = browser_of(operator)
    for name in ("a", "b", "c"):
        browser.post("/executions/views/save/", {"name": name, "query": "status=failed"})
    assert SavedView.objects.count() == 2
