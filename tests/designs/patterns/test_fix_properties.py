"""Whatever is wrong with a design: each mending takes its own problem away and makes none."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from designs.graph.spec import Problem
from designs.patterns.catalogue import check_document
from tests.designs.random_designs import designs
from tests.graphs import Json, examples
from tests.json_patch import patched

# A mutation may leave a literal that JMESPath takes for an old way to write a text.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated string literal")

MUTATIONS = ("drop", "double", "typo", "wrong", "other", "rename", "add")
OTHERS = (0, 1, -5, 10_000, "3", "true", None, True, [], {}, "worker", "moderator", "default", "b1")


def places(value: Any, parent: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Every place in a document, as a container and a key or index."""
    if parent is not None:
        yield parent, key
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for inner, item in items:
            yield from places(item, value, inner)


def mutate(draw: st.DrawFn, document: Json) -> None:
    found = [place for place in places(document) if place[1] not in ("schema", "name")]
    if not found:
        return
    parent, key = draw(st.sampled_from(found))
    value, kind = parent[key], draw(st.sampled_from(MUTATIONS))
    event(kind)
    if kind == "drop":
        del parent[key]
    elif kind == "double" and isinstance(parent, list):
        parent.insert(draw(st.integers(0, len(parent))), copy.deepcopy(value))
    elif kind == "typo" and isinstance(value, str) and value:
        place = draw(st.integers(0, len(value) - 1))
        parent[key] = value[:place] + draw(st.sampled_from(["", "x", "_"])) + value[place + 1 :]
    elif kind == "wrong" and isinstance(value, int):
        parent[key] = draw(st.sampled_from([value + 50, -value, float(value), str(value)]))
    elif kind == "rename" and isinstance(parent, dict):
        parent[f"{key}s"] = parent.pop(key)
    elif kind == "add" and isinstance(value, dict):
        value[draw(st.sampled_from(["route", "when", "default", "task", "role"]))] = "b0"
    else:
        parent[key] = draw(st.sampled_from(OTHERS))


@st.composite
def broken(draw: st.DrawFn, errors: int) -> Json:
    document = copy.deepcopy(draw(designs(most_blocks=4)))
    document["input_schema"] = {"type": "object"}
    for _ in range(errors):
        mutate(draw, document)
    return document


def messages(document: Json) -> Counter[str]:
    return Counter(problem.message for problem in check_document(document).problems)


def mended(document: Json) -> Iterator[tuple[Problem, Counter[str], Counter[str]]]:
    """Each mendable problem, with all sentences before its mending and after."""
    before = messages(document)
    for problem in check_document(document).problems:
        if problem.fix is not None:
            event(problem.fix.label.split(" ")[0])
            yield problem, before, messages(patched(document, problem.fix.patch))


@examples(600)
@given(broken(errors=1))
def test_a_mending_makes_no_other_problem(document: Json) -> None:
    for problem, before, after in mended(document):
        assert after[problem.message] < before[problem.message], problem
        assert not after - before, (problem, after - before)


@examples(300)
@given(broken(errors=4))
def test_its_own_problem_goes_away_among_others(document: Json) -> None:
    for problem, before, after in mended(document):
        assert after[problem.message] < before[problem.message], problem
