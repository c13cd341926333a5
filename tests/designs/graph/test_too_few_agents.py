"""A fault is told once, and a large document costs little to refuse."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from designs.graph.report import MAX_PROBLEMS
from designs.graph.spec import MAX_BLOCKS
from designs.patterns.catalogue import PALETTE, check_document

LEAST = [(kind, count) for kind, one in PALETTE.items() for count in range(one.min_agents)]


def block(kind: str, agents: int) -> dict[str, Any]:
    role = sorted(PALETTE[kind].roles - {"manager", "moderator"})[0]
    people = [{"id": f"a{n}", "role": role, "system_prompt": "Help."} for n in range(agents)]
    return {"id": "one", "type": kind, "task": "Help.", "agents": people}


@pytest.mark.parametrize(("kind", "count"), LEAST)
def test_too_few_agents_are_one_problem(kind: str, count: int) -> None:
    found = check_document({"name": "Few", "blocks": [block(kind, count)]}).problems
    assert [problem.path for problem in found] == ["/blocks/0/agents"]
    assert "or more, and has" in found[0].message


def test_too_many_blocks_are_not_said_to_be_none() -> None:
    blocks = [{**block("sequential", 1), "id": f"b{number}"} for number in range(MAX_BLOCKS + 1)]
    found = check_document({"name": "Many", "blocks": blocks}).problems
    assert not [one for one in found if "at least one block" in one.message], found
    assert [one.path for one in found] == ["/blocks"]


@pytest.mark.parametrize(
    "document",
    [
        {"blocks": [{"id": f"a{n}"} for n in range(9_000)]},
        {"blocks": [{"id": f"a{n}", "agents": [{}] * 190} for n in range(190)]},
        {"blocks": [{**block("sequential", 1), "task": "{{ input.a }} " * 60_000}]},
        {"blocks": [{**block("sequential", 1), "settings": {f"k{n}": 1 for n in range(40_000)}}]},
        {**{f"k{n}": 1 for n in range(40_000)}, "blocks": [block("sequential", 1)]},
        {"blocks": [], "connections": [{"id": f"c{n}"} for n in range(20_000)]},
        {"blocks": [block("sequential", 1)], "input_schema": {"enum": ["x" * 90] * 9_000}},
    ],
)
def test_documents_near_the_largest_size_cost_little_memory(document: dict[str, Any]) -> None:
    tracemalloc.start()
    try:
        found = check_document({"name": "Large", **document}).problems
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert 0 < len(found) <= MAX_PROBLEMS + 1 or "input_schema" in document
    assert peak < 100 * 2**20
