"""What a call costs: statements of the database, and places that it gives back."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.engine.llm.offline import StandIn
from executor.models import Execution
from executor.recording.recorder import WRITE_AFTER_SECONDS
from tests.counting import round_trips
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
TABLE = re.compile(r'(?:INTO|FROM|UPDATE) "(\w+)"')
WRITTEN = {
    "INSERT executor_execution",
    "INSERT executor_blockresult",
    "INSERT executor_step",
    "UPDATE executor_execution",
}
ASYNC = {"prefer": "respond-async"}


@pytest.fixture
def client(
    operator: User, key_of: Callable[..., str], api_with: Callable[[str], APIClient]
) -> APIClient:
    return api_with(key_of(operator))


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What all threads of this process ask of the database through Django."""
    found: list[str] = []
    for name in ("execute", "executemany"):
        original = getattr(CursorWrapper, name)

        def counted(self: Any, sql: Any, params: Any = None, *, do: Any = original) -> Any:
            found.append(str(sql))
            return do(self, sql, params)

        monkeypatch.setattr(CursorWrapper, name, counted)
    return found


def post(client: APIClient, path: str, **headers: str) -> Any:
    return client.post(f"/api/deployed{path}", {"number": 1}, format="json", headers=headers)


def of_runs(statements: list[str]) -> list[str]:
    """Each as its verb and its table; without what is remembered of keys and deployments for a
    moment, and what the journal asks before it writes.
    """
    found = []
    for text in statements:
        verb, table = text.split()[0], TABLE.search(text)
        name = table.group(1) if table else ""
        is_remembered = verb == "SELECT" and name.startswith(("deployments", "django", "auth"))
        is_of_journal = verb == "SELECT" and '"attempt"' in text
        if name and not is_remembered and not is_of_journal:
            found.append(f"{verb} {name}")
    return found


@pytest.mark.parametrize(
    ("document", "headers", "writes"),
    [
        pytest.param(doubling(), {}, WRITTEN - {"UPDATE executor_execution"}, id="played at once"),
        # Whether runs of the same caller wait in line: a look into an index.
        pytest.param(greeting(), {}, WRITTEN | {"SELECT executor_execution"}, id="here"),
        pytest.param(doubling(), ASYNC, {"INSERT executor_execution"}, id="by a worker"),
    ],
)
def test_a_call_asks_the_database_only_for_its_run(
    deploy: Deploy,
    client: APIClient,
    statements: list[str],
    document: dict[str, Any],
    headers: dict[str, str],
    writes: set[str],
) -> None:
    deploy(document, "/costs")
    for _ in range(2):
        statements.clear()
        assert post(client, "/costs", **headers).status_code < 300
    found = of_runs(statements)
    if connection.vendor == "postgresql":
        # Rows of several tables go there in one statement, past Django.
        assert set(found) <= writes
    else:
        assert set(found) == writes
        assert found.count("INSERT executor_execution") == 1


def test_a_run_is_written_when_it_is_accepted_after_each_call_and_at_its_end(
    deploy: Deploy, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That its first block runs is written with it, and costs no time and no statement later.
    Before it is accepted, one look says whether its caller has a line.
    """
    held, is_free = threading.Event(), threading.Event()
    original = StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        held.set()
        await asyncio.to_thread(is_free.wait, 20)
        return await original(self, request, on_delta)

    deploy(greeting(), "/costs")
    assert post(client, "/costs").status_code == 200
    asked = round_trips(monkeypatch, "writer")
    monkeypatch.setattr(StandIn, "complete", complete)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(post, client, "/costs")
        assert held.wait(20)
        block = Execution.objects.first().blocks.get()  # type: ignore[union-attr]
        assert (block.status, block.completed_at) == ("running", None)
        assert block.started_at is not None
        time.sleep(2 * WRITE_AFTER_SECONDS)
        is_server = connection.vendor == "postgresql"
        assert len(asked) == 2 * is_server
        is_free.set()
        answer = call.result(20)
    assert answer.json()["usage"]["model_calls"] == 2
    assert len(asked) == 5 * is_server


def test_a_call_that_cannot_be_accepted_keeps_no_place(
    deploy: Deploy, client: APIClient, settings: Any
) -> None:
    deploy(greeting(), "/greet")
    assert post(client, "/greet").status_code == 200
    whole = settings.ENVIRONMENT
    # A setting that cannot be read, for longer than there are places.
    settings.ENVIRONMENT = replace(whole, model=7)
    statuses = {post(client, "/greet").status_code for _ in range(whole.inline_limit + 1)}
    assert statuses == {500}
    settings.ENVIRONMENT = whole
    # Without a place in this process a worker would have to do it, and there is none.
    assert post(client, "/greet", prefer="wait=20").status_code == 200
    assert Execution.objects.count() == 2
