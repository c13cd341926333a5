"""Ended executions are added up by deployment and day: each once, whoever adds up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment
from designs.access import SYSTEM
from executor.history import totals
from executor.history.totals import add_up, sums_of_deployments, sums_of_last_day
from executor.models import DailyTotals, Execution, Status, Trigger
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]
NOON = timezone.now().astimezone(UTC).replace(hour=12) - timedelta(days=3)


def test_a_day_of_a_deployment_is_one_row(deploy: Deploy) -> None:
    one, two = deploy(path="/one"), deploy(path="/two")
    ended(one, at=NOON, cost_usd=Decimal("0.25"))
    ended(one, at=NOON, status=Status.FAILED, completed_at=NOON + timedelta(seconds=5))
    ended(one, at=NOON, trigger_type=Trigger.MANUAL, degraded=True, started_at=None)
    ended(one, at=NOON - timedelta(days=1), status=Status.TIMED_OUT)
    ended(two, at=NOON, status=Status.CANCELLED)
    assert add_up() == 5
    row = one.daily_totals.get(day=NOON.date())
    assert (row.runs, row.completed, row.failed, row.timed_out, row.cancelled) == (3, 2, 1, 0, 0)
    assert (row.api, row.manual, row.scheduled, row.degraded) == (2, 1, 0, 1)
    assert (row.timed, row.duration_ms, row.duration_ms_max) == (2, 7_000, 5_000)
    assert (row.model_calls, row.input_tokens, row.output_tokens) == (3, 30, 15)
    assert (row.cost_usd, row.last_run_at) == (Decimal("0.25"), NOON)
    assert one.daily_totals.count() == 2
    assert two.daily_totals.get().cancelled == 1
    assert two.daily_totals.get().cost_usd is None


def test_what_is_counted_is_not_counted_again(deploy: Deploy) -> None:
    deployment = deploy()
    ended(deployment, at=NOON)
    assert (add_up(), add_up()) == (1, 0)
    ended(deployment, at=NOON)
    assert add_up() == 1
    assert deployment.daily_totals.get().runs == 2


def test_a_batch_that_was_broken_off_counts_nothing(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = deploy()
    ended(deployment)

    def fail(model: object, runs: list[Execution]) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken:
        broken.setattr(totals, "_add_to", fail)
        with pytest.raises(ConnectionError), transaction.atomic():
            add_up()
    assert add_up() == 1
    assert deployment.daily_totals.get().runs == 1


@pytest.mark.django_db(transaction=True)
def test_four_at_once_count_each_execution_once(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "BATCH", 3)
    deployment = deploy()
    for number in range(25):
        ended(deployment, at=NOON - timedelta(days=number % 2))

    def count(_: int) -> int:
        try:
            return add_up()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counted = sum(pool.map(count, range(4)))
    # Who finds another at it leaves it to that one, which may have finished before the last batch.
    assert counted + add_up() == 25
    assert sum(row.runs for row in deployment.daily_totals.all()) == 25


def test_live_executions_wait_for_their_end(deploy: Deploy) -> None:
    deployment = deploy()
    ended(deployment, status=Status.RUNNING, completed_at=None)
    ended(deployment, status=Status.QUEUED, completed_at=None, started_at=None)
    assert add_up() == 0
    assert not DailyTotals.objects.exists()
    assert Deployment.objects.with_totals().get().execution_count == 2


def test_tries_are_added_up_by_design(deploy: Deploy) -> None:
    deployment = deploy()
    for _ in range(2):
        ended(deployment, at=NOON, deployment_id=None)
    add_up()
    row = DailyTotals.objects.get()
    assert (row.deployment_id, row.design_id, row.runs) == (None, deployment.design_id, 2)


def test_usage_is_the_same_before_and_after_adding_up(deploy: Deploy) -> None:
    one, two = deploy(path="/one"), deploy(path="/two")
    ended(one, cost_usd=Decimal("0.5"))
    ended(one, days_ago=10, cost_usd=Decimal("0.25"), status=Status.FAILED)
    ended(one, days_ago=100)
    ended(one, status=Status.RUNNING, completed_at=None)
    before = sums_of_deployments([one.pk, two.pk])
    add_up()
    after = sums_of_deployments([one.pk, two.pk])
    assert before == after
    usage = after[one.pk]
    assert [usage[name].runs for name in ("today", "last_30_days", "total")] == [2, 3, 4]
    assert [usage[name].failed for name in ("today", "last_30_days", "total")] == [0, 1, 1]
    assert usage["last_30_days"].cost_usd == Decimal("0.75")
    assert usage["total"].input_tokens == 40
    assert after[two.pk]["total"].runs == 0
    assert sums_of_last_day(SYSTEM).completed == 1


def test_pages_count_no_history(deploy: Deploy) -> None:
    """Counts read the totals, and what an index holds of those not added up."""
    deployment = deploy()
    ended(deployment)
    add_up()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        row = Deployment.objects.with_totals().get()
        sums_of_deployments([row.pk])
        sums_of_last_day(SYSTEM)
    assert (row.execution_count, row.last_execution_at is not None) == (1, True)
    for query in queries:
        sql = query["sql"]
        counted = "COUNT(" in sql and 'FROM "executor_execution"' in sql
        assert not counted or '"is_counted" IS NULL' in sql, sql
