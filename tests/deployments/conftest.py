"""Deployments for tests of how they are managed and called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from deployments.access import keys
from deployments.calls import lookup
from deployments.models import Deployment, Schedule
from deployments.occurrences import jitter
from deployments.schedules import pump
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
from tests.documents import doubling


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What the process remembers belongs to the last test's database."""
    keys.forget_keys()
    lookup.forget_deployments()
    yield
    keys.forget_keys()
    lookup.forget_deployments()


@pytest.fixture
def _cached_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and deployments expire half a second after they were read; on a busy machine that may
    pass between two calls of a test.
    """
    for module in (keys, lookup):
        monkeypatch.setattr(module.cache, "seconds", 3600.0)


@pytest.fixture
def deploy() -> Callable[..., Deployment]:
    """Deploys a document: `deploy(greeting(), "/greet", schedule={...})`."""

    def make(
        document: dict[str, Any] | None = None, path: str = "/double", **fields: Any
    ) -> Deployment:
        if document is None and fields.get("schedule"):
            # What the document needs, where a test does not care.
            fields["schedule"] = {"input_data": {"number": 1}, **fields["schedule"]}
        design = create_design(document=document or doubling(), caller=SYSTEM)
        return deploy_design(design=design, endpoint_path=path, caller=SYSTEM, **fields)

    return make


@pytest.fixture
def key_of() -> Callable[..., str]:
    """A key for a person: `key_of(user, scopes=("read",))`."""

    def make(owner: User, **fields: Any) -> str:
        return keys.create_key(owner=owner, **fields)[1]

    return make


def just_now() -> datetime:
    """So recent that even a database with milliseconds has passed it."""
    return timezone.now() - timedelta(milliseconds=20)


@pytest.fixture
def _compare_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules are compared every two seconds; here at every call of the pump."""
    monkeypatch.setattr(pump, "COMPARE_EVERY_SECONDS", 0.0)


@pytest.fixture
def scheduled(deploy: Callable[..., Deployment], _compare_at_once: None) -> Callable[..., Schedule]:
    """A schedule of every 10 s (or other fields) whose last `missed` times were missed just now."""

    def make(missed: int = 1, path: str = "/double", **fields: Any) -> Schedule:
        rule = {"interval_seconds": 10, "input_data": {"number": 2}, **fields}
        every = timedelta(seconds=rule["interval_seconds"])
        schedule = deploy(path=path, schedule=rule).schedules.get()
        start = timezone.now() - every * missed - timedelta(seconds=1)
        # A start that is put off by nearly nothing would have come already.
        most = rule.get("jitter_seconds", 0)
        while most > 60 and jitter(str(schedule.pk), start + every, most) < timedelta(minutes=1):
            start -= timedelta(milliseconds=1)
        due = start + every
        rows = Schedule.objects.filter(pk=schedule.pk)
        rows.update(anchor_at=start, next_due_at=due, next_run_at=due)
        return Schedule.objects.with_rule().get(pk=schedule.pk)

    return make
