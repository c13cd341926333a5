"""The writer: each caller gets the result of its own write, also when others fail or must wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError

from executor import states
from executor.errors import RecorderUnavailable
from executor.models import Execution, Status
from executor.recording import writer as writer_module
from executor.recording.recorder import Accept, Progress
from executor.recording.writer import Write, Writer

pytestmark = pytest.mark.django_db(transaction=True)

LOCKED = OperationalError("database is locked")


class Name(Write[str]):
    """Writes a row with this name; `trouble` is called first."""

    trouble: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @classmethod
    def apply(cls, writes: Sequence[Name]) -> Sequence[Any]:
        Group.objects.bulk_create([Group(name=write.name) for write in writes])
        cls.trouble()
        return [write.name for write in writes]


@pytest.fixture
def writer() -> Iterator[Writer]:
    found = Writer()
    yield found
    found.stop()


@pytest.fixture
def gate(writer: Writer) -> Iterator[threading.Event]:
    """The writer is busy until this is set: what is submitted meanwhile is written together."""
    opened = threading.Event()

    class Busy(Write[None]):
        @classmethod
        def apply(cls, writes: Sequence[Any]) -> Sequence[Any]:
            opened.wait(60)
            return [None] * len(writes)

    writer.submit(Busy())
    yield opened
    opened.set()


def fail_times(monkeypatch: pytest.MonkeyPatch, times: int, error: Exception) -> list[int]:
    tries: list[int] = []

    def trouble() -> None:
        tries.append(1)
        if len(tries) <= times:
            raise error

    monkeypatch.setattr(Name, "trouble", staticmethod(trouble))
    return tries


def names() -> set[str]:
    return set(Group.objects.values_list("name", flat=True))


def test_what_waits_together_is_written_together(writer: Writer, gate: threading.Event) -> None:
    futures = [writer.submit(Name(f"n{number}")) for number in range(5)]
    gate.set()
    assert [one.result(60) for one in futures] == ["n0", "n1", "n2", "n3", "n4"]
    assert {"n0", "n4"} <= names()


def test_a_bad_write_takes_no_other_with_it(writer: Writer, gate: threading.Event) -> None:
    good, bad, other = (writer.submit(Name(name)) for name in ("good", "good", "other"))
    gate.set()
    assert good.result(60) == "good"
    assert other.result(60) == "other"
    with pytest.raises(IntegrityError):
        bad.result(60)


def test_who_goes_away_before_is_not_written_and_harms_nobody(
    writer: Writer, gate: threading.Event
) -> None:
    stays, goes, last = (writer.submit(Name(name)) for name in ("stays", "goes", "last"))
    assert goes.cancel()
    gate.set()
    assert stays.result(60) == "stays"
    assert last.result(60) == "last"
    assert "goes" not in names()


def test_what_is_begun_can_no_longer_be_given_up(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def trouble() -> None:
        begun.set()
        go_on.wait(60)

    monkeypatch.setattr(Name, "trouble", staticmethod(trouble))
    future = writer.submit(Name("begun"))
    assert begun.wait(60)
    assert not future.cancel()
    go_on.set()
    assert future.result(60) == "begun"
    assert writer.submit(Name("after")).result(60) == "after"


def test_it_tries_again_while_the_database_is_away(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = fail_times(monkeypatch, 3, LOCKED)
    assert writer.submit(Name("patient")).result(60) == "patient"
    assert len(tries) == 4


def test_its_patience_ends(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "PATIENCE_SECONDS", 0.3)
    fail_times(monkeypatch, 1000, LOCKED)
    future = writer.submit(Name("never"))
    with pytest.raises(RecorderUnavailable, match="Try again"):
        future.result(60)
    monkeypatch.setattr(Name, "trouble", staticmethod(lambda: None))
    assert writer.submit(Name("later")).result(60) == "later"


def test_what_would_fail_again_is_not_tried_again(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = fail_times(monkeypatch, 1000, ValueError("a fault of ours"))
    with pytest.raises(ValueError, match="of ours"):
        writer.submit(Name("broken")).result(60)
    assert len(tries) == 1


def test_what_follows_a_transaction_that_was_not_ended_is_committed(
    writer: Writer, monkeypatch: pytest.MonkeyPatch, django_db_blocker: Any
) -> None:
    """As between two tests, where the database is refused to all threads: the transaction is
    committed, and its connection stays without autocommit.
    """
    monkeypatch.setattr(Name, "trouble", staticmethod(django_db_blocker.block))
    future = writer.submit(Name("during"))
    with pytest.raises(RuntimeError, match="not allowed"):
        future.result(60)
    django_db_blocker.restore()
    monkeypatch.setattr(Name, "trouble", staticmethod(lambda: None))
    assert writer.submit(Name("after")).result(60) == "after"
    assert "after" in names()


def test_an_acceptance_whose_answer_was_lost_is_not_made_twice(
    writer: Writer, queue: Callable[..., Execution]
) -> None:
    execution = queue()
    write = Accept([execution], execution=execution)
    write.again = True
    assert writer.submit(write).result(60) is None
    assert Execution.objects.filter(pk=execution.pk).count() == 1


def test_an_end_whose_answer_was_lost_is_ours(
    writer: Writer, queue: Callable[..., Execution]
) -> None:
    execution = queue()
    assert states.claim(execution.pk, owner="test", lease_seconds=30)
    first = Progress(execution.pk, 1, [], {}, (Status.COMPLETED, {"result_data": 1}))
    assert writer.submit(first).result(60) is None
    again = Progress(execution.pk, 1, [], {}, (Status.COMPLETED, {"result_data": 1}))
    again.again = True
    assert writer.submit(again).result(60) is None
