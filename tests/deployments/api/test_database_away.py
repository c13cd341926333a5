"""The database goes away while a caller waits: what was accepted is named, and is no error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from rest_framework.test import APIClient

from deployments.models import Deployment
from executor.following import answers
from executor.models import Execution
from executor.running.worker import take_work

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def client(
    deploy: Deploy,
    operator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    monkeypatch: pytest.MonkeyPatch,
) -> APIClient:
    """Calls wait for a worker."""
    environment = dataclasses.replace(settings.ENVIRONMENT, inline_limit=0)
    monkeypatch.setattr(settings, "ENVIRONMENT", environment)
    deploy(wait_seconds=1)
    return api_with(key_of(operator))


def call(client: APIClient, **headers: str) -> Any:
    return client.post("/api/deployed/double", {"number": 4}, format="json", headers=headers)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_who_waits_is_told_what_was_accepted(
    client: APIClient, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def away(*_: Any) -> Any:
        raise error("the server closed the connection")

    monkeypatch.setattr(answers, "LOOK_AGAIN_SECONDS", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(answers, "read_answer", away)
        patch.setattr(answers, "status_of", away)
        first = call(client, idempotency_key="once")
    assert first.status_code == 202
    execution = Execution.objects.get()
    assert first.json()["log_id"] == str(execution.pk)
    take_work()
    again = call(client, idempotency_key="once")
    assert (again.json()["log_id"], again["Idempotent-Replayed"]) == (str(execution.pk), "true")


def test_a_moment_without_it_delays_the_answer(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, tries = answers.read_state, []

    def read_later(pk: Any) -> Any:
        tries.append(pk)
        if len(tries) < 3:
            raise OperationalError("the server restarts")
        take_work()
        return read(pk)

    monkeypatch.setattr(answers, "LOOK_AGAIN_SECONDS", 0.05)
    Deployment.objects.update(wait_seconds=60)
    monkeypatch.setattr(answers, "read_state", read_later)
    answer = call(client)
    assert (answer.status_code, answer.json()["result"]) == (200, 8)
