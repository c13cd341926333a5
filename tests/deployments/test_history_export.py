"""The history as a file: what the list shows, in parts, without payloads for those who see none."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

from designs.auditing.audit import Action, AuditEntry
from executor.history import exports
from executor.models import Execution, Status
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
Browser = Callable[[User], Client]
EXPORT = "/executions/export/"


def body(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_what_the_filters_choose(
    deploy: Callable[..., Any], operator: User, browser_of: Browser
) -> None:
    deployment, browser = deploy(), browser_of(operator)
    error = {"class": "transient", "message": "No answer.", "block_id": None, "step": None}
    bad = ended(deployment, status=Status.FAILED, result_data=None, error=error)
    ended(deployment)
    response = browser.get(EXPORT, {"status": "failed", "form": "csv"})
    assert response["Content-Disposition"].startswith('attachment; filename="history-')
    [row] = csv.DictReader(io.StringIO(body(response)))
    assert row["execution_id"] == bad.public_id
    assert (row["status"], row["error_message"]) == ("failed", "No answer.")
    assert row["deployment"] == deployment.endpoint_path
    lines = body(browser.get(EXPORT, {"form": "jsonl"})).splitlines()
    runs = [json.loads(line) for line in lines]
    assert [run["status"] for run in runs] == ["completed", "failed"]
    assert runs[0]["result_data"] == {"number": 2}
    noted = AuditEntry.objects.filter(action=Action.EXPORT).order_by("pk")
    assert [entry.additional_data["form"] for entry in noted] == ["csv", "jsonl"]
    assert browser.get(EXPORT, {"form": "exe"}).status_code == 404


def test_payloads_and_quotes_only_for_those_who_may(
    deploy: Callable[..., Any], viewer: User, browser_of: Browser, client: Client
) -> None:
    deployment = deploy()
    error = {"class": "transient", "message": "secret-words", "block_id": None, "step": None}
    ended(deployment, status=Status.FAILED, result_data=None, error=error)
    ended(deployment, result_data={"secret": "secret-words"}, degraded=True,
          degraded_reasons=["secret-words"])  # fmt: skip
    for form in ("csv", "jsonl"):
        text = body(browser_of(viewer).get(EXPORT, {"form": form}))
        assert "secret-words" not in text
        assert len(text.splitlines()) == 2 + (form == "csv")
    assert client.get(EXPORT).status_code == 302


@pytest.mark.parametrize("text", ['=HYPERLINK("http://evil")', "+1", "-1+1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(
    deploy: Callable[..., Any], operator: User, browser_of: Browser, text: str
) -> None:
    ended(deploy(), triggered_by=text)
    [row] = csv.DictReader(io.StringIO(body(browser_of(operator).get(EXPORT))))
    assert row["triggered_by"] == f"'{text}"


@pytest.mark.parametrize("sort", ["-started", "-duration", "cost"])
def test_a_long_history_comes_in_parts(
    deploy: Callable[..., Any], operator: User, browser_of: Browser,
    monkeypatch: pytest.MonkeyPatch, sort: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(exports, "BATCH", 3)
    deployment = deploy()
    for _ in range(8):
        ended(deployment, cost_usd=1)
    response = browser_of(operator).get(EXPORT, {"sort": sort})
    parts = list(response.streaming_content)  # type: ignore[attr-defined]
    assert len(parts) == 4
    assert len(b"".join(parts).splitlines()) == 9


def test_it_ends_when_the_right_is_lost(
    deploy: Callable[..., Any], operator: User, browser_of: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(exports, "BATCH", 2)
    deployment = deploy()
    for _ in range(6):
        ended(deployment)
    parts = iter(browser_of(operator).get(EXPORT, {"form": "jsonl"}).streaming_content)  # type: ignore[call-overload]
    assert len(next(parts).splitlines()) == 2
    operator.groups.clear()
    assert list(parts) == []


@pytest.mark.django_db(transaction=True)
async def test_the_stream_holds_no_connection(operator: User) -> None:
    browser = AsyncClient()
    await browser.aforce_login(operator)
    answer = await browser.get(EXPORT)
    assert answer.status_code == 200
    text = b"".join([part async for part in answer.streaming_content])
    assert text.decode().startswith("execution_id,")
    assert not await Execution.objects.aexists()
