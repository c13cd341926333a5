"""A run that asks nobody, calls no tool and plays no design costs what it did without these."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.backends.utils import CursorWrapper
from rest_framework.test import APIClient

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
from executor.models import Execution
from tests.graphs import asking, chain, design, transform
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)
Queue = Callable[..., Execution]
ApiOf = Callable[[User], APIClient]

# As they were before runs could wait, call tools, or play designs.
OF_WORKER = {
    "sqlite": {
        "BEGIN": 5, "SELECT executor_execution": 8, "UPDATE executor_execution": 2,
        "INSERT executor_step": 3, "INSERT executor_blockresult": 3,
    },
    "postgresql": {
        "SELECT executor_execution": 4, "UPDATE executor_execution": 1,
        "WITH executor_execution": 4,
    },
}  # fmt: skip
_OF_CALLER = {
    "SELECT django_session": 1, "SELECT auth_user": 1, "SELECT auth_permission": 2,
    "SELECT auth_group": 2, "SELECT deployments_deployment": 1,
}  # fmt: skip
OF_CALL = {
    "sqlite": {
        **_OF_CALLER, "BEGIN": 5, "SELECT executor_execution": 5, "UPDATE executor_execution": 1,
        "INSERT executor_execution": 1, "INSERT designs_auditentry": 1,
        "INSERT executor_blockresult": 3, "INSERT executor_step": 3,
    },
    # The run, its first block and its entry of the audit are one statement.
    "postgresql": {
        **_OF_CALLER, "SELECT": 2, "SELECT executor_execution": 1, "WITH executor_execution": 5,
    },
}  # fmt: skip

# Renewed leases come by the clock.
_BY_THE_CLOCK = re.compile(
    r'UPDATE "executor_execution" SET "lease_until"|"cancel_requested_at" FROM'
)
_TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "(\w+)"')


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The statements of all threads from now on: verb and table."""
    found: Counter[str] = Counter()

    def note(query: Any) -> None:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if not _BY_THE_CLOCK.search(text):
            table = _TABLE.search(text)
            found[f"{text.split()[0]} {table[1] if table else ''}".strip()] += 1

    def wrapped(original: Any) -> Any:
        def execute(self: Any, query: Any, *values: Any, **more: Any) -> Any:
            note(query)
            return original(self, query, *values, **more)

        return execute

    if connection.vendor == "postgresql":
        # The base of what Django uses; some statements are written without Django's.
        monkeypatch.setattr(psycopg.Cursor, "execute", wrapped(psycopg.Cursor.execute))
    else:
        for name in ("execute", "executemany"):
            monkeypatch.setattr(CursorWrapper, name, wrapped(getattr(CursorWrapper, name)))
    return found


def document() -> dict[str, Any]:
    blocks = [asking("first"), transform("middle", "incoming"), asking("last", "a", "b")]
    return design(blocks, chain("first", "middle", "last"))


def test_a_run_on_a_worker(queue: Queue, version_of: Any, asked: Counter[str]) -> None:
    version = version_of(document())
    for _ in range(2):
        execution = queue(version)
        asked.clear()
        future = perform_execution(execution.pk)
        assert future is not None
        future.result(timeout=60)
        found = dict(asked)
    assert Execution.objects.get(pk=execution.pk).status == "completed"
    assert found == OF_WORKER[connection.vendor]


def test_a_call(deployer: User, api_of: ApiOf, asked: Counter[str]) -> None:
    row = create_design(document=document(), caller=SYSTEM)
    deployment = deploy_design(design=row, endpoint_path="/x", caller=SYSTEM, wait_seconds=60)
    api = api_of(deployer)
    for _ in range(2):
        asked.clear()
        answer = api.post(f"/api/deployments/{deployment.pk}/execute", {}, format="json")
        assert answer.status_code == 200
        found = dict(asked)
    assert found == OF_CALL[connection.vendor]
