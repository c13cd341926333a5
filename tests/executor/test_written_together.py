"""Progress of many runs in one statement: each gets its own result, in one round trip."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from executor import states
from executor.engine.journal import StepResult
from executor.errors import LeaseLost
from executor.models import BlockResult, Execution, Status
from executor.recording.recorder import Progress
from executor.recording.writer import Write, Writer
from tests.counting import round_trips

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
END: dict[str, Any] = {
    "result_data": {"text": "é \U0001f600 '; --"}, "error": None, "cause": None,
    "degraded": True, "degraded_reasons": ["one", "two"],
    "model_calls": 3, "input_tokens": 2**40, "output_tokens": 7, "cost_usd": None,
    "tool_calls": None,
}  # fmt: skip


@pytest.fixture
def writer() -> Iterator[Writer]:
    found = Writer()
    yield found
    found.stop()


@pytest.fixture
def gate(writer: Writer) -> Iterator[threading.Event]:
    """The writer is busy until this is set: what is submitted meanwhile is written together."""
    begun, opened = threading.Event(), threading.Event()

    class Busy(Write[None]):
        @classmethod
        def is_one_statement(cls, writes: Sequence[Any]) -> bool:
            return True  # without a transaction, in which on SQLite nobody else could write

        @classmethod
        def apply(cls, writes: Sequence[Any]) -> Sequence[Any]:
            connection.ensure_connection()
            begun.set()
            opened.wait(10)
            return [None] * len(writes)

    writer.submit(Busy())
    assert begun.wait(10)
    yield opened
    opened.set()


def claimed(queue: Queue) -> Execution:
    execution = queue()
    assert states.claim(execution.pk, owner="here", lease_seconds=30)
    return Execution.objects.get(pk=execution.pk)


def step(key: str, text: str = "said", **more: Any) -> StepResult:
    return StepResult(
        key=key, block_id="a", agent_id="w", round_number=1, purpose="answer", model="m:x",
        prompt={"Task": "t"}, text=text, output=more.pop("output", text), input_tokens=1,
        output_tokens=2, cost_usd=None, tries=1, started_at=1e9, finished_at=1e9 + 1, **more,
    )  # fmt: skip


def block(execution: Execution, **more: Any) -> dict[str, BlockResult]:
    now = timezone.now()
    row = BlockResult(execution_id=execution.pk, block_id="a", started_at=now, **more)
    return {"a": row}


def test_each_run_gets_its_own(writer: Writer, queue: Queue, gate: threading.Event) -> None:
    """One ends, one goes on, one was lost, one ended elsewhere."""
    ends, goes_on, lost, over = (claimed(queue) for _ in range(4))
    Execution.objects.filter(pk=lost.pk).update(attempt=2)
    assert states.finish(over.pk, Status.FAILED, attempt=1, error={"class": "x"})
    made = [
        Progress(
            one.pk, 1, [step("a/w/1/answer"), step("a/v/1/answer")], block(one, status="running")
        )
        for one in (goes_on, lost, over)
    ]
    made.append(
        Progress(
            ends.pk, 1, [step("a/w/1/answer")],
            block(ends, status="completed", output=1, completed_at=timezone.now()),
            (Status.COMPLETED, END),
        )
    )  # fmt: skip
    futures = [writer.submit(one) for one in made]
    gate.set()
    assert futures[0].result(10) is None
    assert futures[3].result(10) is None
    for future in futures[1:3]:
        with pytest.raises(LeaseLost):
            future.result(10)
    assert list(goes_on.steps.values_list("key", flat=True)) == ["a/w/1/answer", "a/v/1/answer"]
    assert goes_on.blocks.get().status == "running"
    nothing = [one.steps.count() + one.blocks.count() for one in (lost, over)]
    assert nothing == [0, 0]
    found = Execution.objects.get(pk=ends.pk)
    assert {name: getattr(found, name) for name in END} == END
    assert (found.status, found.owner, found.lease_until) == (Status.COMPLETED, "", None)
    assert found.completed_at is not None
    assert found.steps.get().text == "said"
    assert found.blocks.get().output == 1


def test_a_step_that_is_there_is_kept_and_a_block_is_brought_up_to_date(
    writer: Writer, queue: Queue
) -> None:
    execution = claimed(queue)
    for text, status in (("first", "running"), ("second", "completed")):
        write = Progress(
            execution.pk, 1, [step("a/w/1/answer", text)], block(execution, status=status)
        )
        assert writer.submit(write).result(10) is None
    assert execution.steps.get().text == "first"
    assert execution.blocks.get().status == "completed"


def test_what_only_the_orm_can_write_is_written_too(writer: Writer, queue: Queue) -> None:
    execution = claimed(queue)
    large = {"number": 2**64}
    write = Progress(
        execution.pk, 1, [step("a/w/1/answer", output=large)], {},
        (Status.COMPLETED, {**END, "result_data": large}),
    )  # fmt: skip
    assert writer.submit(write).result(10) is None
    found = Execution.objects.get(pk=execution.pk)
    assert (found.status, found.result_data["number"]) == (Status.COMPLETED, 2**64)
    assert found.steps.get().output["number"] == 2**64


def test_an_attempt_beside_the_one_that_follows_it(
    writer: Writer, queue: Queue, gate: threading.Event
) -> None:
    execution = claimed(queue)
    Execution.objects.filter(pk=execution.pk).update(attempt=2)
    old = writer.submit(Progress(execution.pk, 1, [step("a/w/1/answer", "old")], {}))
    new = writer.submit(Progress(execution.pk, 2, [step("a/w/1/answer", "new")], {}))
    gate.set()
    with pytest.raises(LeaseLost):
        old.result(10)
    assert new.result(10) is None
    assert execution.steps.get().text == "new"


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_another_changes_meanwhile_is_judged_as_it_is_then(
    writer: Writer, queue: Queue, is_lost: bool
) -> None:
    execution = claimed(queue)
    mine = Execution.objects.filter(pk=execution.pk)
    write = Progress(execution.pk, 1, [step("a/w/1/answer")], {}, (Status.COMPLETED, END))
    with transaction.atomic():
        mine.update(**({"attempt": 2} if is_lost else {"cancel_requested_at": Now()}))
        future = writer.submit(write)
        # It comes to wait for this transaction, or begins after it: the same must come of it.
        time.sleep(0.2)
    if is_lost:
        with pytest.raises(LeaseLost):
            future.result(30)
    else:
        assert future.result(30) is None
    found = mine.get()
    assert found.status == (Status.RUNNING if is_lost else Status.COMPLETED)
    assert found.steps.count() == (not is_lost)
    assert (found.cancel_requested_at is None) == is_lost


def test_it_costs_one_round_trip(
    writer: Writer, queue: Queue, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [claimed(queue) for _ in range(5)]
    asked = round_trips(monkeypatch, "writer")
    futures = [
        writer.submit(
            Progress(one.pk, 1, [step("a/w/1/answer")], block(one, status="completed"),
                     (Status.COMPLETED, END))
        )
        for one in runs
    ]  # fmt: skip
    gate.set()
    assert [future.result(10) for future in futures] == [None] * 5
    # SQLite is no server.
    assert len(asked) == (connection.vendor == "postgresql")
    assert Execution.objects.filter(status=Status.COMPLETED).count() == 5
