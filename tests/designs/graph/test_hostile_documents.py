"""Whatever comes, a document is checked without an exception, and soon."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.files import read_design_file
from designs.patterns.catalogue import check_document
from tests.counting import calls_of
from tests.graphs import agent, asking, chain, design, examples, link, problems, transform

# Seconds of processor time for the worst documents of a mebibyte; most take a hundredth of it.
# Each takes under two seconds of a slow core's time.
MAX_CALLS = 10_000_000

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["a", "b", "{{ input.x }}", "{{", "blocks.a.output", "transform", "`1`"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=12,
)


def loosely(keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these keys, with anything in them."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(keys.split(), values))


def near(good: dict[str, Any], keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """A good part with some of its keys replaced."""
    return loosely(keys).map(lambda change: {**good, **change})


BLOCK_KEYS = "id type label task settings timeout_seconds retries on_error default position extra"
agents = st.lists(near(agent("x"), "id name role system_prompt model extra") | values, max_size=3)
blocks = st.lists(
    near(transform("a"), BLOCK_KEYS) | near(transform("b", "incoming"), BLOCK_KEYS)
    | st.builds(lambda part, who: {**part, "agents": who}, near(asking("c"), BLOCK_KEYS), agents)
    | values,
    max_size=4,
)  # fmt: skip
ends = st.sampled_from("abcx")
connections = st.lists(
    st.builds(
        lambda source, target, change: {**link(source, target), **change},
        ends, ends, loosely("id source target source_agent target_agent route when extra"),
    ) | values,
    max_size=5,
)  # fmt: skip
documents = st.builds(
    lambda change, some, ways: {**design(some, ways), **change},
    loosely("schema name description model input_schema output_schema output extra"),
    blocks, connections,
)  # fmt: skip


@examples(150)
@given(values)
def test_any_value_is_checked(raw: Any) -> None:
    assert problems(raw)


@examples(150)
@given(documents)
def test_any_likeness_of_a_document_is_checked(raw: Any) -> None:
    found = problems(raw)
    for path, _ in found:
        _find(raw, path)


def _find(raw: Any, path: str) -> None:
    """Every pointer leads to something that stands there, or to a key that is missing in it."""
    for step in path.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(raw, list):
            raw = raw[int(name)]
        elif isinstance(raw, dict) and name in raw:
            raw = raw[name]
        else:
            assert isinstance(raw, dict)
            return


@examples(100)
@given(st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_checked(data: bytes) -> None:
    file = read_design_file(data)
    assert bool(file.designs) is not bool(file.problems)


def _cyclic() -> Any:
    outer: dict[str, Any] = design([transform("a")])
    outer["blocks"].append(outer)
    return outer


def _wide_circle() -> Any:
    ring: list[Any] = []
    ring.extend([ring] * 100_000)
    return ring


def _deep() -> Any:
    value: Any = {}
    for _ in range(100_000):
        value = {"a": [value]}
    return value


def _doubling() -> Any:
    """Two hundred objects that stand for 2**200."""
    value: Any = "x"
    for _ in range(200):
        value = [value, value]
    return value


IDS = [f"{'a' * 50}{number:03}" for number in range(200)]
DEAR = "sort([" + ",".join(f"`{number}`" for number in range(300)) + "]) == `[]`"
HOSTILE: dict[str, Callable[[], Any]] = {
    "a circle": _cyclic,
    "a wide circle": _wide_circle,
    "deep": _deep,
    "doubling": _doubling,
    "keys that are no text": lambda: {1: 2, None: 3, (4, 5): 6, 10**5_000: 7, b"x": 8},
    "values that are no JSON": lambda: design([object(), {1, 2}, b"x", 1j, Ellipsis, float]),
    "numbers beyond all": lambda: design([10**6_000, float("nan"), float("inf"), -(2**63) - 1]),
    "text that cannot be stored": lambda: {"\ud800": "\udfff", "a\0": "\0", "name": "\ud83d"},
    "a million numbers": lambda: [1] * 1_000_000,
    "unknown keys": lambda: {f"blockz{number}": 1 for number in range(60_000)},
    "unknown ends": lambda: design(
        [transform(name) for name in IDS],
        [{"id": f"c{n}", "source": f"{'a' * 49}x{n}", "target": f"{'a' * 49}y{n}"}
         for n in range(4_000)],
    ),
    "unknown names": lambda: design(
        [transform(f"b{block}", f"[{','.join(f'inpu{name}' for name in range(250))}]")
         for block in range(200)]
    ),
    "many constants": lambda: design(
        [transform(name) for name in IDS],
        [{**link(*pair), "id": f"c{n}", "when": f"{DEAR} || `{n}`"}
         for n, pair in enumerate(itertools.islice(itertools.combinations(IDS, 2), 450))],
    ),
    "long expressions": lambda: design(
        [transform(f"b{n}", f"[{','.join(['input.a[*].b.c'] * 125)}] | [{n}]") for n in range(200)]
    ),
    "a complete graph": lambda: design(
        [transform(name, "incoming") for name in IDS],
        [{**link(*pair), "id": f"c{n}"}
         for n, pair in enumerate(itertools.islice(itertools.combinations(IDS, 2), 4_000))],
    ),
    "all circles": lambda: design(
        [transform(name, "incoming") for name in IDS],
        [{**link(*pair), "id": f"c{n}"}
         for n, pair in enumerate(itertools.islice(itertools.permutations(IDS, 2), 4_000))],
    ),
    "open braces": lambda: design([asking("a", task="{{ '" + "\\'{" * 300_000)]),
    "many braces": lambda: design([asking("a", task="{{" * 500_000)]),
    "many agents": lambda: design([asking(f"b{n}", *("x" * 60,) * 50) for n in range(180)]),
    "one long circle": lambda: design(
        [transform(name) for name in IDS], chain(*IDS, IDS[0])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_end_soon(name: str) -> None:
    raw = HOSTILE[name]()
    calls, checked = calls_of(lambda: check_document(raw))
    assert calls < MAX_CALLS
    assert len(checked.problems) <= 201
    assert bool(checked.problems) is (name not in {"a complete graph"})
