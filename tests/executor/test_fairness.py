"""Turns: fair among callers, within all limits, and chosen without reading the whole queue."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from designs.rows.ids import new_id
from executor.models import Execution
from executor.running import fairness
from executor.running.fairness import FairOrder, Lane, Room, RunningCounts, lock_oldest, read_lanes

Queue = Callable[..., Execution]


def lane(caller: str, **fields: Any) -> Lane:
    fields = {"deployment_id": uuid.UUID(int=1), "oldest": new_id(), **fields}
    fields = {"max_concurrent": None, "caller_max_concurrent": None, **fields}
    return Lane(caller, **fields)


def room(slots: int, share: int | None = None, held: Mapping[str, int] | None = None) -> Room:
    return Room(slots, held or {}, slots if share is None else share)


def shares(found: Counter[Lane]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for one, number in found.items():
        totals[one.caller_key] += number
    return dict(totals)


def test_slots_are_shared_evenly_among_callers() -> None:
    plan = FairOrder().plan([lane("flood"), lane("one"), lane("two")], RunningCounts(), room(9))
    assert shares(plan.counts) == {"flood": 3, "one": 3, "two": 3}


def test_who_runs_least_comes_first() -> None:
    running = RunningCounts(by_caller=Counter({"flood": 50, "one": 1}))
    plan = FairOrder().plan([lane("flood"), lane("one"), lane("two")], running, room(7))
    assert shares(plan.counts) == {"one": 3, "two": 4}


def test_short_runs_of_a_flood_do_not_come_first_each_time() -> None:
    """Nothing runs at each look, because what was taken has ended already."""
    found = FairOrder()
    order = []
    for _ in range(6):
        plan = found.plan([lane("a flood"), lane("key"), lane("user")], RunningCounts(), room(1))
        order += list(shares(plan.counts))
    assert sorted(order[:3]) == sorted(order[3:]) == ["a flood", "key", "user"]


def test_a_caller_takes_no_more_than_its_share_of_a_worker() -> None:
    plan = FairOrder().plan([lane("flood")], RunningCounts(), room(6, share=4, held={"flood": 1}))
    assert (shares(plan.counts), plan.short) == ({"flood": 3}, {"flood"})


def test_limits_of_deployments_and_callers_are_kept() -> None:
    deployment, other = uuid.uuid4(), uuid.uuid4()
    lanes = [
        lane("one", deployment_id=deployment, max_concurrent=3),
        lane("two", deployment_id=deployment, max_concurrent=3),
        lane("key", deployment_id=other, caller_max_concurrent=2),
    ]
    running = RunningCounts(Counter({deployment: 1}), Counter({"one": 1, "key": 1}))
    plan = FairOrder().plan(lanes, running, room(20))
    assert shares(plan.counts) == {"two": 1, "one": 1, "key": 1}
    # Another worker could do no more about it.
    assert not plan.short


def test_a_full_deployment_holds_up_no_other_of_its_caller() -> None:
    full, free = uuid.uuid4(), uuid.uuid4()
    lanes = [
        lane("key", deployment_id=full, max_concurrent=1),
        lane("key", deployment_id=free),
    ]
    plan = FairOrder().plan(lanes, RunningCounts(Counter({full: 1}), Counter({"key": 1})), room(2))
    assert [one.deployment_id for one in plan.counts.elements()] == [free, free]


@pytest.mark.django_db(transaction=True)
class TestQueue:
    def test_lanes_are_found_with_their_oldest(self, queue: Queue) -> None:
        made = [queue(caller_key=key) for key in ("b", "a", "b", "c", "a")]
        assert [(one.caller_key, one.oldest) for one in read_lanes("", 10)] == [
            ("a", made[1].pk), ("b", made[0].pk), ("c", made[3].pk)
        ]  # fmt: skip
        assert [one.caller_key for one in read_lanes("b", 10)] == ["b", "c"]
        assert [one.caller_key for one in read_lanes("", 2)] == ["a", "b"]

    def test_their_order_is_that_of_their_keys_however_the_database_joins(
        self, queue: Queue
    ) -> None:
        for key in ("b", "a", "d", "c"):
            queue(caller_key=key)
        with connection.cursor() as cursor:
            # A merge join goes through the ids, which are in the order in which they were made.
            others = ("enable_nestloop", "enable_hashjoin") * (connection.vendor == "postgresql")
            for name in others:
                cursor.execute(f"SET {name} = off")
            try:
                assert [one.caller_key for one in read_lanes("", 10)] == ["a", "b", "c", "d"]
            finally:
                for name in others:
                    cursor.execute(f"RESET {name}")

    def test_more_callers_than_one_look_sees_have_their_turn(
        self, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fairness, "MAX_LANES", 2)
        for key in "abcde":
            queue(caller_key=key)
        found = FairOrder()
        seen = [{one.caller_key for one in found.lanes()} for _ in range(4)]
        assert set().union(*seen) == set("abcde")
        assert all(len(some) <= 2 for some in seen)

    def test_it_steps_through_an_index(self, queue: Queue) -> None:
        for number in range(300):
            queue(caller_key=f"key {number % 3}")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as captured:
            lanes = read_lanes("", 10)
            lock_oldest(dict.fromkeys(lanes, 2))
        assert len(captured) == 2
        for one in captured:
            used = plan_of(one["sql"])
            assert "execution_queued_by_caller" in used
            assert "Seq Scan" not in used


def plan_of(statement: str) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        how = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{how} {statement}")
        rows = [str(row) for row in cursor.fetchall()]
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan")
    return "\n".join(rows)
