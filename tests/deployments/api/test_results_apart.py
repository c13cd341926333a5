"""What is large of a run's end is made and written away from the event loop."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from deployments.api import answers
from deployments.api.answers import ended_response
from designs.runtime.computing import is_small
from executor.engine.context import Outcome, Usage
from executor.following.answers import Answer
from executor.recording import rows
from executor.recording.rows import StorableOnce, end_apart

LOOP = "MainThread"
LARGE = [
    {"text": "x" * 70_000},
    {"list": list(range(1_001))},
    {"many": {f"name {number}": None for number in range(1_001)}},
    {"deep": [[["x"] * 30] * 30] * 30},
]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str], list[str]]:
    """Notes in which threads a function of a module is called."""

    def watch(module: Any, name: str) -> list[str]:
        seen: list[str] = []
        function = getattr(module, name)

        def noted(*args: Any) -> Any:
            seen.append(threading.current_thread().name.partition("_")[0])
            return function(*args)

        monkeypatch.setattr(module, name, noted)
        return seen

    return watch


def answer(results: dict[str, Any]) -> Answer:
    return Answer(uuid.uuid4(), "completed", False, [], None, results, {}, 1)


@pytest.mark.parametrize("value", LARGE)
def test_a_large_answer_is_written_in_a_thread_a_block_at_a_time(
    threads: Callable[..., list[str]], value: Any
) -> None:
    seen = threads(answers, "to_json")
    found = asyncio.run(ended_response(answer({"one": value, "two": 2})))
    assert set(seen) == {"computing"}
    assert len(seen) == 3
    whole = answers.ended(answer({"one": value, "two": 2}))[1]["results"]
    assert rows.orjson.loads(found.content)["results"] == whole


def test_a_small_answer_costs_no_thread(threads: Callable[..., list[str]]) -> None:
    seen = threads(answers, "to_json")
    asyncio.run(ended_response(answer({"one": {"a": [1, "x" * 1_000]}})))
    assert seen == [LOOP]


@pytest.mark.parametrize("value", LARGE)
def test_a_large_end_is_made_storable_in_a_thread_and_once(
    threads: Callable[..., list[str]], value: Any
) -> None:
    seen = threads(rows, "storable")
    outcome = Outcome("completed", value, {"one": value, "two": value}, Usage())
    fields, told = asyncio.run(end_apart(outcome, StorableOnce()))
    assert fields["result_data"] == told.result == value
    # The value, and the list of reasons.
    assert seen == ["computing"] * 2


def test_a_small_end_costs_no_thread(threads: Callable[..., list[str]]) -> None:
    seen = threads(rows, "storable")
    asyncio.run(end_apart(Outcome("completed", 4, {"one": 4}, Usage()), StorableOnce()))
    assert set(seen) == {LOOP}


@pytest.mark.parametrize("value", [None, 1, "x" * 65_536, [0] * 1_000, {"a": {"b": ["c"]}}])
def test_small_values(value: Any) -> None:
    assert is_small(value)


def test_a_look_at_a_value_ends_after_a_thousand_parts() -> None:
    """This one has two to the power of thirty."""
    nested: Any = ["x"]
    for _ in range(30):
        nested = [nested, nested]
    assert not is_small(nested)
