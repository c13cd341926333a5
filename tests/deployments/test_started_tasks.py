"""Beat starts our schedules and the tasks that the installation's settings name, nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from django.conf import settings
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from deployments.models import Deployment
from deployments.schedules.beat import LedgerScheduler
from deployments.schedules.store import TASK
from orchestra.celery import app

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def allow(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def name(*tasks: str) -> None:
        told = dataclasses.replace(settings.ENVIRONMENT, beat_tasks=tasks)
        monkeypatch.setattr(settings, "ENVIRONMENT", told)

    return name


def started() -> set[str]:
    """The tasks of all entries that a scheduler would send."""
    scheduler = LedgerScheduler(app=app, lazy=True)
    scheduler.setup_schedule()
    return {entry.task for entry in scheduler.schedule.values()}


@pytest.fixture(autouse=True)
def _rows(deploy: Callable[..., Deployment]) -> None:
    """However they got there: a row does not say who wrote it."""
    deploy(schedule={"interval_seconds": 60})
    every = IntervalSchedule.objects.create(every=1, period="seconds")
    for task in ("theirs.work", "theirs.other", "executor.take_work", "celery.backend_cleanup"):
        PeriodicTask.objects.create(name=task, task=task, interval=every, queue="_kombu")


def test_none_that_nobody_named() -> None:
    assert settings.ENVIRONMENT.beat_tasks == ()
    assert started() == set()


def test_those_that_are_named(allow: Callable[..., None]) -> None:
    allow("theirs.work", "not.there")
    assert started() == {"theirs.work"}


def test_ours_are_left_to_the_ledger_even_if_named(allow: Callable[..., None]) -> None:
    allow("theirs.work", TASK)
    assert started() == {"theirs.work"}
