"""Memory is given back: by the C library as it is freed, and soon after a large answer."""

from __future__ import annotations

import asyncio
import gc
import platform
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from orchestra.server import memory
from orchestra.server.interpreter import keep_what_was_loaded


class Row:
    """Something large that points at itself, as rows and answers of Django do."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _no_collections() -> Iterator[None]:
    for timer in memory._waiting:
        timer.join()
    gc.disable()
    yield
    for timer in memory._waiting:
        timer.join()
    gc.enable()


def answer(*sizes: int) -> None:
    """Send an answer in parts of these sizes."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def messages() -> None:
        told = memory.noting_large_answers(send)
        await told({"type": "http.response.start", "status": 200})
        for number, size in enumerate(sizes, start=1):
            more = number < len(sizes)
            body = b"x" * size
            await told({"type": "http.response.body", "body": body, "more_body": more})

    asyncio.run(messages())
    assert len(sent) == len(sizes) + 1


@pytest.mark.parametrize("sizes", [(300_000,), (200_000, 100_000), (300_000, 0)])
def test_what_a_large_answer_was_made_of_is_gone_soon(sizes: tuple[int, ...]) -> None:
    row = weakref.ref(Row())
    assert row() is not None
    answer(*sizes)
    (timer,) = list(memory._waiting)
    timer.join()
    assert row() is None


def test_many_large_answers_cost_one_collection() -> None:
    answer(300_000)
    first = list(memory._waiting)
    for _ in range(20):
        answer(300_000)
    assert len(first) == 1
    assert memory._waiting in (first, [])


def test_a_usual_answer_costs_none() -> None:
    answer(2_000)
    answer(100_000, 100_000)
    assert memory._waiting == []


def test_the_c_library_takes_the_settings() -> None:
    assert memory.set_up_memory() is (platform.libc_ver()[0] == "glibc")


@pytest.mark.parametrize(("most_old", "generation"), [(10**9, 2), (0, 1)])
def test_a_process_with_much_that_is_old_is_not_stopped_for_all_of_it(
    monkeypatch: pytest.MonkeyPatch, most_old: int, generation: int
) -> None:
    monkeypatch.setattr(memory, "MAX_OLD_OBJECTS", most_old)
    row, seen = weakref.ref(Row()), collections_of(memory.collect_garbage)
    assert seen == [generation]
    assert row() is None


def test_what_was_imported_meanwhile_costs_no_collection_any_more() -> None:
    loaded = [[number] for number in range(1_000)]
    try:
        assert collections_of(keep_what_was_loaded) == [1]
        known = {id(found) for found in gc.get_objects()}
        assert not [one for one in loaded if id(one) in known]
    finally:
        gc.unfreeze()


def collections_of(work: Callable[[], None]) -> list[int]:
    """Which generations it collects."""
    seen: list[int] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            seen.append(about["generation"])

    gc.callbacks.append(note)
    try:
        work()
    finally:
        gc.callbacks.remove(note)
    return seen
