"""Two last votes at the same moment decide once, and wake the run once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from executor import states
from executor.models import DecisionRequest, Execution, Status
from tests.deciding import ask, cast, deployment_at, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)
PAIRS = 100


def test_a_hundred_pairs(make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch) -> None:
    users = [make_user(name, "Operator") for name in ("ana", "ben")]
    join("finance", *users)
    deployment = deployment_at("/pay/at-once")
    requests = [ask(waiting_run(deployment), required=2) for _ in range(PAIRS)]
    woken: list[Any] = []
    wake = states.wake

    def counted(pk: Any) -> bool:
        won = wake(pk)
        if won:
            woken.append(pk)
        return won

    monkeypatch.setattr(states, "wake", counted)
    together = threading.Barrier(len(users))

    def vote_on_all(user: User) -> None:
        try:
            for request in requests:
                together.wait(timeout=60)
                cast(request, user)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(vote_on_all, users))
    statuses = DecisionRequest.objects.values_list("status", flat=True)
    assert list(statuses) == ["approved"] * PAIRS
    assert sorted(woken) == sorted(request.execution_id for request in requests)
    assert Execution.objects.filter(status=Status.QUEUED).count() == PAIRS
