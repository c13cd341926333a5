"""Schedules due in the same second are served together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.models import Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from executor.models import Execution

pytestmark = pytest.mark.django_db(transaction=True)


def cost_of_pumping() -> int:
    """The number of statements it takes."""
    with CaptureQueriesContext(connection) as statements:
        wake_schedules()
    return len(statements)


def test_many_cost_as_many_statements_as_one(scheduled: Callable[..., Schedule]) -> None:
    scheduled(path="/one")
    alone = cost_of_pumping()
    for number in range(12):
        scheduled(path=f"/more/{number}")
    assert cost_of_pumping() <= alone
    found = Occurrence.objects.values_list("outcome", "execution_id")
    assert [outcome for outcome, _ in found] == [Occurrence.Outcome.RAN] * 13
    assert {pk for _, pk in found} == set(Execution.objects.values_list("pk", flat=True))
