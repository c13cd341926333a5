"""Percentiles of durations come from the totals, near enough, without a row of the history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from deployments.models import Deployment
from executor.history.totals import add_up, durations_of
from executor.models.durations import Durations, bucket_of, count, merge, percentile
from tests.deployments.ended_runs import ended

MAX_LENGTH = 400 * 24 * 3_600_000


def counted(milliseconds: list[int]) -> Durations:
    found: Durations = {}
    for one in milliseconds:
        count(found, one)
    return found


@given(st.integers(1, MAX_LENGTH))
def test_a_bucket_is_near_what_is_in_it(milliseconds: int) -> None:
    found = percentile(counted([milliseconds]), 50)
    assert found is not None
    assert abs(found - milliseconds) <= 0.1 * milliseconds + 1


@given(st.lists(st.integers(0, MAX_LENGTH), min_size=1), st.sampled_from([1, 50, 95, 100]))
def test_a_percentile_is_near_the_true_one(milliseconds: list[int], percent: int) -> None:
    found = percentile(counted(milliseconds), percent)
    wanted = next(
        one
        for number, one in enumerate(sorted(milliseconds), 1)
        if number * 100 >= percent * len(milliseconds)
    )
    assert found is not None
    assert abs(found - wanted) <= 0.1 * wanted + 1


def test_nothing_has_no_percentile() -> None:
    assert percentile({}, 50) is None
    assert percentile(counted([0, -5]), 95) == 0


def test_buckets_are_few_however_long_runs_take() -> None:
    assert bucket_of(MAX_LENGTH) < 150
    assert merge([{"1": 2}, {"1": 3, "7": 1}]) == {"1": 5, "7": 1}


@pytest.mark.django_db
def test_a_deployments_days_are_read_together(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    for days_ago, seconds in ((0, 1), (1, 1), (1, 1), (2, 60), (90, 3_600)):
        run = ended(deployment, days_ago=days_ago)
        type(run).objects.filter(pk=run.pk).update(
            completed_at=run.created_at + timedelta(seconds=seconds)
        )
    add_up()
    with CaptureQueriesContext(connection) as queries:
        found = durations_of(deployment.pk)
    assert len(queries) == 1
    assert sum(found.values()) == 4
    half, most = percentile(found, 50), percentile(found, 95)
    assert half is not None
    assert most is not None
    assert 900 < half < 1_100
    assert 54_000 < most < 66_000
