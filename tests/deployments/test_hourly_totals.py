"""The last 24 hours are read from totals of hours, which are few and go again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client

from deployments.models import Deployment
from deployments.retention import sweep
from designs.access import SYSTEM, caller_of
from executor.history.totals import Sums, a_day_ago, add_up, sums_of_last_day
from executor.models import HourlyTotals, Status
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


def some_runs(deployment: Deployment) -> None:
    """Two that ended within the last 24 hours, one that ended in the hour before these."""
    first = a_day_ago()
    ended(deployment, at=first - timedelta(minutes=10))
    ended(deployment, at=first + timedelta(minutes=10), cost_usd=Decimal("0.5"))
    ended(deployment, days_ago=0, status=Status.FAILED)


def test_what_ended_yesterday_evening_is_counted_this_morning(deploy: Deploy) -> None:
    some_runs(deploy())
    before = sums_of_last_day(SYSTEM)
    add_up()
    after = sums_of_last_day(SYSTEM)
    assert before == after
    assert (after.runs, after.completed, after.failed) == (2, 1, 1)
    assert after.cost_usd == Decimal("0.5")


def test_only_what_is_there_for_the_caller_is_counted(
    deploy: Deploy, viewer: User, make_user: Callable[..., User]
) -> None:
    hidden = deploy()
    hidden.groups.set(make_user("other", "Deployer").groups.all())
    some_runs(hidden)
    add_up()
    assert sums_of_last_day(caller_of(viewer)) == Sums()
    assert sums_of_last_day(caller_of(User.objects.get(username="other"))).runs == 2


def test_hours_go_again_and_are_not_made_of_old_history(deploy: Deploy) -> None:
    deployment = deploy()
    ended(deployment, days_ago=9)
    ended(deployment)
    add_up()
    assert HourlyTotals.objects.count() == 1
    HourlyTotals.objects.update(hour=a_day_ago() - timedelta(days=5))
    sweep()
    assert not HourlyTotals.objects.exists()
    assert deployment.daily_totals.count() == 2


def test_an_upgrade_counts_the_last_hours_once(deploy: Deploy) -> None:
    some_runs(deploy())
    add_up()
    wanted = sums_of_last_day(SYSTEM)
    HourlyTotals.objects.all().delete()
    upgrade = import_module("executor.migrations.0014_add_hours_and_starters")
    upgrade.count_last_hours(apps, None)
    found = sums_of_last_day(SYSTEM)
    assert (found.runs, found.completed, found.failed) == (2, 1, 1)
    assert found.cost_usd == wanted.cost_usd


def test_home_says_since_when_it_counts(
    deploy: Deploy, viewer: User, browser_of: Callable[[User], Client]
) -> None:
    some_runs(deploy())
    page = browser_of(viewer).get("/")
    figures = page.context["board"].figures
    assert figures.ended == 2
    assert f"Since {figures.window.since:%Y-%m-%d %H:00} UTC" in page.content.decode()
