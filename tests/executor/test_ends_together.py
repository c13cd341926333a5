"""Runs ended by one statement end as each would alone, and only by their owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executor import states
from executor.models import BlockResult, BlockStatus, Execution, Status
from executor.states import End

pytestmark = pytest.mark.django_db

Queue = Callable[..., Execution]
AT = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)


def told(**changes: Any) -> dict[str, Any]:
    return {
        "result_data": None, "error": None, "cause": None, "degraded": False,
        "degraded_reasons": [], "model_calls": 0, "input_tokens": 0, "output_tokens": 0,
        "cost_usd": None, "tool_calls": None, **changes,
    }  # fmt: skip


def running(queue: Queue, number: int) -> list[Execution]:
    found = [queue() for _ in range(number)]
    claimed = states.claim_all([one.pk for one in found], owner="here", lease_seconds=30)
    return list(claimed.values())


def row_of(execution: Execution) -> dict[str, Any]:
    return Execution.objects.filter(pk=execution.pk).values().get()


@pytest.mark.parametrize(
    "changes",
    [
        told(result_data={"a": ["ä\u2028'; --", 0.1, None, {}], "n": 2**53 + 1}),
        told(result_data="null", degraded=True, degraded_reasons=["One is lost: %s {{ x }}."]),
        told(
            model_calls=3,
            input_tokens=2**40,
            output_tokens=7,
            cost_usd=Decimal("0.000001"),
            tool_calls=2,
        ),
        told(result_data=10**40),
        told(completed_at=AT),
    ],
)
def test_what_is_written_together_is_what_one_alone_writes(
    queue: Queue, changes: dict[str, Any]
) -> None:
    alone, *others = running(queue, 3)
    assert states.finish(alone.pk, Status.COMPLETED, attempt=1, **changes)
    ends = [End(one.pk, Status.COMPLETED, 1, changes) for one in others]
    assert states.finish_all(ends) == {one.pk for one in others}
    own = {"id", "design_id", "version_id", "created_at", "started_at", "completed_at"}
    expected = row_of(alone)
    for one in others:
        row = row_of(one)
        assert {name: row[name] for name in row.keys() - own} == {
            name: expected[name] for name in row.keys() - own
        }
        assert row["completed_at"] == changes.get("completed_at", row["completed_at"]) is not None


def test_only_the_attempt_that_holds_the_lease_ends_its_run(queue: Queue) -> None:
    mine, lost, ended = running(queue, 3)
    states.finish(ended.pk, Status.CANCELLED, attempt=1, error={"class": "cancelled"})
    ends = [
        End(mine.pk, Status.COMPLETED, 1, told(result_data=1)),
        End(lost.pk, Status.COMPLETED, 2, told(result_data=2)),
        End(ended.pk, Status.COMPLETED, 1, told(result_data=3)),
    ]
    assert states.finish_all(ends) == {mine.pk}
    assert [row_of(one)["status"] for one in (mine, lost, ended)] == [
        Status.COMPLETED, Status.RUNNING, Status.CANCELLED,
    ]  # fmt: skip


def test_a_run_that_fails_among_others_leaves_no_block_open(queue: Queue) -> None:
    failed, completed = running(queue, 2)
    for one in (failed, completed):
        BlockResult.objects.create(execution=one, block_id="b", status=BlockStatus.RUNNING)
    error = {"class": "limit", "message": "Too much."}
    ends = [
        End(failed.pk, Status.FAILED, 1, told(error=error)),
        End(completed.pk, Status.COMPLETED, 1, told()),
    ]
    assert states.finish_all(ends) == {failed.pk, completed.pk}
    assert row_of(failed)["error"] == error
    assert failed.blocks.get().status == BlockStatus.FAILED


def test_an_end_without_usage_gets_it_from_the_steps(queue: Queue) -> None:
    """What is told of a cancelled run is only why."""
    one, other = running(queue, 2)
    ends = [End(run.pk, Status.CANCELLED, 1, {"error": states.CANCELLED}) for run in (one, other)]
    assert states.finish_all(ends) == {one.pk, other.pk}
    assert row_of(one)["model_calls"] == 0


def test_on_postgresql_they_cost_one_statement(queue: Queue) -> None:
    ends = [End(one.pk, Status.COMPLETED, 1, told()) for one in running(queue, 20)]
    with CaptureQueriesContext(connection) as statements:
        states.finish_all(ends)
    # Its one statement does not go through Django; SQLite has a file and no round trips.
    updates = [found for found in statements if found["sql"].startswith("UPDATE")]
    assert len(updates) == (0 if connection.vendor == "postgresql" else 20)
