"""What is written is told to others before the caller goes on with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from executor.recording.writer import Write, Writer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


class Name(Write[str]):
    """Writes nothing, and answers with the name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @classmethod
    def apply(cls, writes: Sequence[Name]) -> Sequence[Any]:
        return [write.name for write in writes]


@pytest.fixture
def writer() -> Iterator[Writer]:
    found = Writer()
    yield found
    found.stop()


def test_others_are_told_before_the_caller_goes_on(writer: Writer):
    heard: list[tuple[list[bool], Sequence[Any]]] = []

    class Told(Name):
        @classmethod
        def committed(cls, writes: Sequence[Any], answers: Sequence[Any]) -> None:
            heard.append(([write.done.done() for write in writes], answers))

    assert writer.submit(Told("Ana")).result(timeout=60) == "Ana"
    assert heard == [([False], ["Ana"])]


def test_a_caller_gets_its_result_though_others_could_not_be_told(writer: Writer):
    class Mute(Name):
        @classmethod
        def committed(cls, writes: Sequence[Any], answers: Sequence[Any]) -> None:
            raise ValueError

    assert writer.submit(Mute("Ana")).result(timeout=60) == "Ana"
    assert writer.submit(Name("Ben")).result(timeout=60) == "Ben"
