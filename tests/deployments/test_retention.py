"""Retention deletes what its policies do not keep, but nothing live, held or needed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from deployments import retention
from deployments.models import (
    Delivery,
    Deployment,
    IdempotencyKey,
    Occurrence,
    RetentionPolicy,
)
from deployments.retention import count_over, sweep, sweep_if_due
from executor.models import Execution, Status
from tests.deployments.ended_runs import ended, keep, with_texts

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]


def left(deployment: Deployment) -> int:
    return deployment.executions.count()


def test_nothing_set_keeps_everything(deploy: Deploy) -> None:
    deployment = deploy()
    ended(deployment, days_ago=4_000)
    keep(keep_last=None, audit_days=None)
    assert (sweep().executions, left(deployment)) == (0, 1)


def test_by_age_and_the_count_stays(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    deployment = deploy()
    old = [with_texts(ended(deployment, days_ago=31 + n)) for n in range(5)]
    young = with_texts(ended(deployment, days_ago=29))
    keep(history_days=30)
    assert sweep().executions == 5
    assert list(deployment.executions.all()) == [young]
    row = Deployment.objects.with_totals().get()
    assert (row.execution_count, row.last_execution_at) == (6, young.created_at)
    keep(history_days=1)
    sweep()
    row = Deployment.objects.with_totals().get()
    assert (left(row), row.execution_count) == (0, 6)
    assert row.last_execution_at == young.created_at != old[0].created_at


def test_by_number(deploy: Deploy) -> None:
    one, two = deploy(path="/one"), deploy(path="/two")
    last = [ended(one, days_ago=n / 10) for n in range(6)][:3]
    ended(two)
    tries = [ended(one, deployment_id=None, days_ago=n) for n in range(4)]
    keep(keep_last=3)
    assert sweep().executions == 4
    assert list(one.executions.all()) == last
    assert left(two) == 1
    assert list(Execution.objects.filter(deployment=None)) == tries[:3]


def test_a_sweep_that_comes_by_itself_leaves_the_last_hour(deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60})
    schedule = deployment.schedules.get()
    for minutes in (1, 2, 3, 61, 62):
        ended(deployment, days_ago=minutes / 1440)
        Occurrence.objects.create(
            schedule=schedule,
            outcome=Occurrence.Outcome.SKIPPED_OVERLAP,
            due_at=timezone.now() - timedelta(minutes=minutes),
        )
    keep(keep_last=1, swept_at=None)
    swept = sweep_if_due()
    assert swept is not None
    assert (swept.executions, left(deployment)) == (2, 3)
    assert (swept.occurrences, schedule.occurrences.count()) == (2, 3)
    assert (sweep().executions, left(deployment)) == (2, 1)


def test_a_deployments_policy_takes_the_place_of_the_installations(deploy: Deploy) -> None:
    longer, ever, same = deploy(path="/longer"), deploy(path="/ever"), deploy(path="/same")
    for deployment in (longer, ever, same):
        ended(deployment, days_ago=20)
        ended(deployment, days_ago=60)
    RetentionPolicy.objects.create(deployment=longer, history_days=30)
    RetentionPolicy.objects.create(deployment=ever, history_days=0)
    RetentionPolicy.objects.create(deployment=same, payload_days=5)
    keep(history_days=10)
    sweep()
    assert [left(one) for one in (longer, ever, same)] == [1, 2, 0]


def test_what_is_held_lives_or_is_needed_stays(deploy: Deploy) -> None:
    deployment = deploy()
    held = ended(deployment, days_ago=99, is_held=True)
    live = ended(deployment, days_ago=99, status=Status.WAITING, completed_at=None)
    called = ended(deployment, days_ago=99)
    Delivery.objects.create(deployment=deployment, execution=called, url="https://example.org")
    repeated = ended(deployment, days_ago=99)
    IdempotencyKey.objects.create(
        deployment=deployment, caller="key", key="k", body_digest="d", execution=repeated
    )
    first = ended(deployment, days_ago=99, status=Status.FAILED)
    second = ended(deployment, days_ago=99, status=Status.FAILED, resumed_from=first)
    goes_on = ended(
        deployment, days_ago=1, status=Status.RUNNING, completed_at=None, resumed_from=second
    )
    ended(deployment, days_ago=99)
    keep(history_days=30, payload_days=10)
    swept = sweep()
    assert (swept.executions, swept.payloads) == (1, 0)
    kept = {held, live, called, repeated, first, second, goes_on}
    assert set(deployment.executions.all()) == kept
    held.refresh_from_db()
    assert held.input_data == {"number": 1}
    Execution.objects.filter(pk=held.pk).update(is_held=None)
    assert sweep().executions == 1


def test_keys_are_forgotten_as_fast_as_they_come(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    deployment, execution = deploy(), ended(deployment=deploy(path="/other"))
    now = timezone.now()
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(
            deployment=deployment, caller="key", key=str(number), body_digest="d",
            execution=execution, created_at=now - timedelta(hours=25 if number < 45 else 1),
        )
        for number in range(48)
    )  # fmt: skip
    assert sweep().idempotency_keys == 45
    assert IdempotencyKey.objects.count() == 3


def test_occurrences_go_but_not_those_that_a_rule_needs(deploy: Deploy) -> None:
    deployment = deploy(schedule={"interval_seconds": 60, "pause_after_failures": 2})
    schedule = deployment.schedules.get()

    def occurrence(days: float, outcome: str = Occurrence.Outcome.RAN) -> Occurrence:
        ran = ended(deployment, days_ago=days) if outcome == Occurrence.Outcome.RAN else None
        return Occurrence.objects.create(
            schedule=schedule, outcome=outcome, execution=ran,
            due_at=timezone.now() - timedelta(days=days),
        )  # fmt: skip

    occurrence(50)
    last = [occurrence(40), occurrence(39)]
    waiting = occurrence(38, Occurrence.Outcome.WAITING)
    occurrence(37, Occurrence.Outcome.SKIPPED_OVERLAP)
    keep(history_days=30)
    swept = sweep()
    assert (swept.occurrences, swept.executions) == (2, 1)
    assert set(schedule.occurrences.all()) == {*last, waiting}


def test_a_dry_run_changes_nothing(deploy: Deploy) -> None:
    deployment = deploy()
    ended(deployment, days_ago=50)
    ended(deployment, days_ago=20)
    keep(history_days=30, payload_days=10)
    out = io.StringIO()
    call_command("prune", "--dry-run", stdout=out)
    assert "1 executions\n" in out.getvalue()
    assert "1 executions' texts" in out.getvalue()
    assert left(deployment) == 2
    call_command("prune", stdout=out)
    assert left(deployment) == 1
    assert (count_over().executions, count_over().payloads) == (0, 0)


def test_one_sweep_in_ten_minutes_whoever_comes(deploy: Deploy) -> None:
    ended(deploy(), days_ago=2)
    assert sweep_if_due() is not None
    assert sweep_if_due() is None
    RetentionPolicy.objects.update(swept_at=timezone.now() - timedelta(minutes=11))
    assert sweep_if_due() is not None
    policy = RetentionPolicy.stored_general()
    assert policy.swept["executions"] == 0
    assert policy.held["up to 7 days"] == 1
