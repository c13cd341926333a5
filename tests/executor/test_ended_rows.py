"""The database itself keeps what has ended, on both databases; retention may still delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from executor import states
from executor.history.ended_rows import NAME, restore_guard
from executor.models import TERMINAL, Execution, Status

pytestmark = pytest.mark.django_db

Queue = Callable[..., Execution]


def ended(queue: Queue, status: Status = Status.COMPLETED, **fields: Any) -> Execution:
    execution = queue(**fields)
    states.claim(execution.pk, owner="test", lease_seconds=30)
    assert states.finish(execution.pk, status, attempt=1, result_data={"n": 1}, error={"m": "x"})
    return execution


def rows(execution: Execution) -> Any:
    return Execution.objects.filter(pk=execution.pk)


@pytest.mark.parametrize("status", sorted(TERMINAL))
@pytest.mark.parametrize("change", [{"status": "queued"}, {"result_data": 2}, {"error": None}])
def test_no_end_is_changed(queue: Queue, status: Status, change: dict[str, Any]) -> None:
    execution = ended(queue, status)
    with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
        rows(execution).update(**change)
    execution.refresh_from_db()
    assert (execution.status, execution.result_data, execution.error) == (
        status,
        {"n": 1},
        {"m": "x"},
    )


def test_not_even_by_saving_the_row(queue: Queue) -> None:
    execution = ended(queue)
    execution.refresh_from_db()
    execution.result_data = "other"
    with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
        execution.save()


def test_writing_the_same_again_changes_nothing(queue: Queue) -> None:
    execution = ended(queue)
    assert rows(execution).update(status=Status.COMPLETED, result_data={"n": 1}) == 1


def test_what_still_runs_is_changed(queue: Queue) -> None:
    execution = queue()
    assert rows(execution).update(result_data=1, error={"m": 1}) == 1


def test_other_columns_and_links_may_change(queue: Queue) -> None:
    user = User.objects.create_user("gone")
    execution = ended(queue)
    again = queue(execution.version, rerun_of=execution)
    states.cancel_unstarted(again.pk, error={})
    rows(execution).update(user=user)
    user.delete()
    execution.refresh_from_db()
    assert execution.user_id is None
    rows(execution).delete()
    again.refresh_from_db()
    assert again.rerun_of_id is None


def test_the_guard_comes_back_after_a_migration_that_made_the_table_anew(queue: Queue) -> None:
    execution = ended(queue)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER {NAME}")
        assert rows(execution).update(error={"m": "changed"}) == 1
    restore_guard(using="default")
    with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
        rows(execution).update(error=None)
