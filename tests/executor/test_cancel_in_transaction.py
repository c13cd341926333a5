"""Who is told of a cancelled run, and when: not before there is something to read."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.db import transaction

from designs.access import SYSTEM
from executor import states
from executor.following import pubsub
from executor.models import Execution, Status
from executor.services import cancel_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(pubsub, "publish_change", lambda pk, kind: found.append(str(kind)))

    def publish_cancel(pk: uuid.UUID) -> None:
        found.append("its owner")

    monkeypatch.setattr(pubsub, "publish_cancel", publish_cancel)
    return found


@pytest.mark.parametrize(("is_running", "news"), [(False, "cancelled"), (True, "its owner")])
def test_it_is_told_once_it_is_committed(
    queue: Queue, told: list[str], is_running: bool, news: str
) -> None:
    execution = queue()
    if is_running:
        states.claim(execution.pk, owner="here", lease_seconds=30)
    with transaction.atomic():
        cancel_execution(execution=execution, caller=SYSTEM)
        assert told == []
    assert told == [news]


def test_what_is_taken_back_is_not_told(queue: Queue, told: list[str]) -> None:
    execution = queue()
    with transaction.atomic():
        cancel_execution(execution=execution, caller=SYSTEM)
        transaction.set_rollback(True)
    assert told == []
    assert Execution.objects.get(pk=execution.pk).status == Status.QUEUED
