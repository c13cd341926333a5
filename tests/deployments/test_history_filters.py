"""The history's filters: what they find, for whom, and what odd values do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client, RequestFactory

from designs.access import SYSTEM, Caller, caller_of
from executor.history.filters import HistoryFilter
from executor.models import Execution, Status
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Any]
AT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def found(query: str, caller: Caller = SYSTEM) -> set[Execution]:
    request: Any = RequestFactory().get("/executions/")
    request.caller = caller
    rows = Execution.objects.for_caller(caller)
    return set(HistoryFilter(QueryDict(query), queryset=rows, request=request).qs)


def failed(deployment: Any, text: str, kind: str = "transient", **fields: Any) -> Execution:
    error = {"class": kind, "message": text, "block_id": None, "step": None}
    return ended(deployment, status=Status.FAILED, result_data=None, error=error, **fields)


def test_each_filter_finds_its_runs(deploy: Deploy, operator: User) -> None:
    deployment, other = deploy(), deploy(path="/other")
    plain = ended(deployment, user=operator)
    bad = failed(other, "No answer.", cause="transient m sequential")
    late = ended(other, status=Status.TIMED_OUT, result_data=None)
    patchy = ended(other, degraded=True, degraded_reasons=["A part is missing."])
    assert found(f"deployment={deployment.pk}") == {plain}
    assert found(f"design={deployment.design_id}") >= {plain}
    assert found(f"design={deployment.design_id}&version=1&deployment={other.pk}") <= {
        bad, late, patchy,
    }  # fmt: skip
    assert found("version=77") == set()
    assert found("status=failed&status=timed_out") == {bad, late}
    assert found("degraded=true") == {patchy}
    assert found("user=OPERATOR") == {plain}
    assert found("cause=transient+m+sequential") == {bad}
    assert found("trigger_type=api&status=failed") == {bad}


def test_an_error_is_found_by_its_text(deploy: Deploy, operator: User, viewer: User) -> None:
    deployment = deploy()
    quoting = failed(deployment, "The model said: my secret is 42%.")
    plain = failed(deployment, "Stopped at the limit of 42% of the tokens.", kind="limit")
    ended(deployment)
    assert found("text=SECRET+is", caller_of(operator)) == {quoting}
    assert found("text=42%25", caller_of(operator)) == {quoting, plain}
    # Words that may quote a payload are not found by those who may not read them.
    assert found("text=42%25", caller_of(viewer)) == {plain}
    assert found("text=secret", caller_of(viewer)) == set()
    assert found("text=4_%25") == set()


def test_times_are_of_the_readers_zone(deploy: Deploy) -> None:
    run = ended(deploy(), at=AT)  # 00:30 on the 2nd of July in Berlin.
    assert found("since=2026-07-02T00:30&zone=Europe/Berlin") == {run}
    assert found("since=2026-07-02T00:31&zone=Europe/Berlin") == set()
    assert found("since=2026-07-01&until=2026-07-01") == {run}
    assert found("since=2026-07-02&until=2026-07-02&zone=Europe/Berlin") == {run}
    assert found("until=2026-07-01&zone=Europe/Berlin") == set()
    assert found("since=2026-07-02T00:30:00%2B02:00") == {run}
    assert found("since=2026-07-02T00:30:00+02:00") == {run}
    assert found("since=2026-07-01T22:30&zone=Nowhere/Odd") == {run}


@pytest.mark.parametrize(
    "query",
    [
        "status=odd&status=failed",
        "since=yesterday&until=%00",
        "since=0001-01-01&until=9999-12-31T23:59",
        "since=2026-01-01T00:00&zone=" + "x" * 5000,
        "zone=../../etc/passwd&since=2026-01-01",
        "version=99999999999999999999",
        "version=1.5",
        "key=1&deployment=%27&design=" + "9" * 40,
        "user=%00&cause=%00&text=%00",
        "text=" + "%25_" * 100,
        "sort=cost;drop&window=99y",
        "sort=-cost&before=00000000-0000-0000-0000-000000000000",
        "sort=duration&after=odd",
        "degraded=perhaps",
        "since=2030-01-01&until=2020-01-01",
        "since=1970-01-01&window=1y",
        "until=9000-01-01",
    ],
)
def test_odd_values_break_nothing(
    deploy: Deploy, operator: User, browser_of: Callable[[User], Client], query: str
) -> None:
    ended(deploy())
    browser = browser_of(operator)
    for address in ("", "export/"):
        response = browser.get(f"/executions/{address}?{query}")
        assert response.status_code == 200, query
        if response.streaming:
            assert b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_nobody_finds_what_is_hidden(
    deploy: Deploy, operator: User, make_user: Callable[..., User]
) -> None:
    from django.contrib.auth.models import Group

    deployment = deploy()
    run = failed(deployment, "secret words", user=operator)
    deployment.groups.set([Group.objects.create(name="Few")])
    other = caller_of(make_user("olga", "Operator"))
    for query in ("text=secret", "user=operator", f"deployment={deployment.pk}", "status=failed"):
        assert found(query) == {run}
        assert found(query, other) == set()


def test_durations_and_costs_sort_over_pages(
    deploy: Deploy, operator: User, browser_of: Callable[[User], Client]
) -> None:
    deployment, browser = deploy(), browser_of(operator)
    for number in range(120):
        at = AT + timedelta(minutes=number)
        took = timedelta(milliseconds=number * 37 % 5 * 100)
        ended(deployment, at=at, started_at=at, completed_at=at + took, cost_usd=number % 3)
    ended(deployment, at=AT, completed_at=AT, started_at=None, cost_usd=None)
    for sort in ("-duration", "duration", "-cost", "cost", "started", "-started"):
        seen: list[Any] = []
        address = f"/executions/?sort={sort}"
        while address:
            context = browser.get(address).context
            seen += [run.pk for run in context["executions"]]
            address = context["older"] and f"/executions/?{context['older']}"
        expected = 121 if "started" in sort else 120
        assert len(seen) == len(set(seen)) == expected, sort
        runs = Execution.objects.in_bulk(seen)
        key = {"d": lambda r: r.duration_ms, "c": lambda r: r.cost_usd, "s": lambda r: r.pk}
        values = [key[sort.lstrip("-")[0]](runs[pk]) for pk in seen]
        assert values == sorted(values, reverse=sort[0] == "-"), sort
        # And back again.
        context = browser.get(f"/executions/?sort={sort}&after={seen[100]}").context
        assert [run.pk for run in context["executions"]] == seen[50:100]
