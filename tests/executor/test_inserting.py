"""Rows inserted together are the same as rows inserted one by one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Value
from django.db.models.functions import Now

from designs.access import SYSTEM
from designs.models import DesignVersion
from designs.rows.ids import new_id
from designs.rows.writing import Conflict, Insert, insert_rows
from designs.secrets.encryption import Secret
from executor.acceptance.runs import Order
from executor.models import (
    BlockResult,
    Execution,
    ModelConnection,
    Status,
    Step,
    Trigger,
    seconds_from_now,
)
from tests.executions import new_execution

pytestmark = pytest.mark.django_db(transaction=True)

AT = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
VALUES = [
    None,
    True,
    0.1,
    1e300,
    -0.0,
    2**53 + 1,
    2**63 - 1,
    10**40,
    "",
    "null",
    "'; DROP TABLE x; -- \\ \" %s ${1} {{ x }}",
    "\u2028 \U0001f600 é \x01 \x7f",
    [],
    {},
    [1, [2, {"": [None, False]}]],
    {"a": {"b": "c"}, "__proto__": 1, "é": "\n"},
]


@pytest.fixture
def new(version_of: Callable[..., DesignVersion]) -> Callable[..., Execution]:
    version = version_of()

    def make(**fields: Any) -> Execution:
        order = Order(version=version, input_data={}, trigger=Trigger.API, caller=SYSTEM)
        execution = new_execution(order)
        for name, value in {"created_at": AT, **fields}.items():
            setattr(execution, name, value)
        return execution

    return make


def step(execution: Execution, key: str, **fields: Any) -> Step:
    kept = {"block_id": "b", "purpose": "work", "started_at": AT, "finished_at": AT}
    return Step(execution_id=execution.pk, key=key, **{**kept, **fields})


def stored(execution: Execution) -> dict[str, Any]:
    return Execution.objects.filter(pk=execution.pk).values().get()


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_read_is_what_was_written(new: Callable[..., Execution], value: Any) -> None:
    fields = {
        "input_data": value or {},
        "result_data": value,
        "error": {"message": value},
        "caller_address": "2001:db8::1",
        "key_id": new_id(),
        "triggered_by": "ü' %s",
        "degraded": True,
        "degraded_reasons": ["a", "b"],
        "started_at": AT,
        "cost_usd": Decimal("0.123456"),
        "input_tokens": 2**40,
        "settles": None,
    }
    ours, orms = new(**fields), new(**fields)
    insert_rows([Insert(Execution, [ours])])
    orms.save(force_insert=True)
    assert {**stored(ours), "id": 0} == {**stored(orms), "id": 0}


def test_rows_of_several_tables_come_together(new: Callable[..., Execution]) -> None:
    execution, other = new(), new()
    steps = [step(execution, "1", cost_usd=Decimal("1.5")), step(other, "1", prompt={"a": "b"})]
    block = BlockResult(execution_id=execution.pk, block_id="b", output="text", started_at=AT)
    insert_rows(
        [Insert(Execution, [execution, other]), Insert(BlockResult, [block]), Insert(Step, steps)]
    )
    assert list(execution.steps.values_list("key", "cost_usd")) == [("1", Decimal("1.5"))]
    assert other.steps.get().prompt == {"a": "b"}
    assert execution.blocks.get().output == "text"


def test_times_are_the_databases(new: Callable[..., Execution]) -> None:
    execution = new(not_before=Now(), deadline_at=seconds_from_now(3600.5))
    execution.created_at = Execution().created_at
    insert_rows([Insert(Execution, [execution])])
    found = Execution.objects.annotate(now=Now()).get(pk=execution.pk)
    second = timedelta(seconds=1)
    assert found.now - second < found.created_at <= found.now
    assert found.now - second < found.not_before <= found.now
    assert abs(found.deadline_at - found.now - timedelta(seconds=3600.5)) < second


def test_other_expressions_go_as_well(new: Callable[..., Execution]) -> None:
    execution = new(triggered_by=Value("by value"), started_at=Now() - timedelta(days=1))
    insert_rows([Insert(Execution, [execution])])
    found = Execution.objects.annotate(now=Now()).get(pk=execution.pk, started_at__lt=Now())
    assert found.triggered_by == "by value"
    assert found.now - found.started_at >= timedelta(days=1)


def test_all_or_nothing(new: Callable[..., Execution]) -> None:
    execution = new()
    twice = [step(execution, "1"), step(execution, "1")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows([Insert(Execution, [execution]), Insert(Step, twice)])
    assert not Execution.objects.exists()
    insert_rows([Insert(Execution, [execution]), Insert(Step, twice[:1])])
    assert execution.steps.count() == 1


def test_what_the_database_refuses_is_djangos_error(new: Callable[..., Execution]) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        insert_rows([Insert(Execution, [new(status="unheard of")])])


def test_a_conflict_keeps_the_first_or_changes_it(new: Callable[..., Execution]) -> None:
    execution = new()
    insert_rows([Insert(Execution, [execution])])
    for text in ("first", "second"):
        block = BlockResult(
            execution_id=execution.pk, block_id="b", status=text[:6], output=text, error=None
        )
        changed = Conflict(unique=("execution", "block_id"), change=("output",))
        insert_rows(
            [
                Insert(Step, [step(execution, "1", text=text)], Conflict()),
                Insert(BlockResult, [block], changed),
            ]
        )
    assert execution.steps.get().text == "first"
    block = execution.blocks.get()
    assert (block.status, block.output) == ("first", "second")


def test_fields_with_ways_of_their_own_keep_them(new: Callable[..., Execution]) -> None:
    connection = ModelConnection(name="own", provider="openai", api_key=Secret("sk-" + "a" * 40))
    insert_rows([Insert(ModelConnection, [connection])])
    assert ModelConnection.objects.get().api_key.reveal() == "sk-" + "a" * 40


def test_nothing_is_nothing() -> None:
    insert_rows([])
    insert_rows([Insert(Step, [])])
    assert Execution.objects.filter(attempt=F("attempt")).count() == 0
    assert Status.QUEUED == "queued"
