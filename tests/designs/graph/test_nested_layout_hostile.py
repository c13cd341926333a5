"""Whatever a file holds, it is read or refused with places and sentences; nothing breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designs.graph.files import (
    MAX_DESIGNS,
    MAX_FILE_BYTES,
    design_text,
    read_design_file,
    read_designs,
)
from designs.patterns.catalogue import check_document
from tests.counting import calls_of

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=25
)
WORDS = """
    schema name description blocks connections git_repos id type data label task agents role
    system_prompt model rounds settings position x y source target sourceAgent blockId agentId
    extract_output route when output input_schema default_route expression template
"""
MAX_CALLS = 10_000_000
KEYS = st.sampled_from(WORDS.split())
TEXTS = st.sampled_from(
    ["a", "A-1", "", "block-1", "routing", "dynamic_routing", "{{ a", "blocks.a", "{{ blocks.a }}"]
)
# Values that look like designs, with something else in any place.
DESIGNS = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=40,
)


def check(raw: object) -> None:
    """Read or refused, never both, never neither; what is read can be checked and read again."""
    found = read_designs(raw)
    assert bool(found.designs) is not bool(found.problems)
    for problem in found.problems:
        assert problem.message.endswith(".")
        assert problem.path == "" or problem.path.startswith("/")
    for design in found.designs:
        check_document(design.document)
        text = design_text(design.document)
        (again,) = read_design_file(text.encode()).designs
        assert design_text(again.document) == text


@given(VALUES)
def test_any_value_is_read_or_refused(raw: object) -> None:
    check(raw)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEYS, DESIGNS, max_size=8) | st.lists(DESIGNS, max_size=3))
def test_any_near_design_is_read_or_refused(raw: object) -> None:
    check(raw)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    found = read_design_file(data)
    assert bool(found.designs) is not bool(found.problems)


def refusals(raw: object) -> dict[str, str]:
    found = read_designs(raw)
    assert found.designs == ()
    return {problem.path: problem.message for problem in found.problems}


BLOCK = {"id": "a", "type": "sequential", "data": {}}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (None, ""),
        ("text", ""),
        ([], ""),
        ({}, ""),
        ({"name": "package", "version": "1.0"}, ""),
        ({"schema": 1, "blocks": {}}, "/blocks"),
        ({"schema": 1, "blocks": [1]}, "/blocks/0"),
        ({"schema": 1, "blocks": [], "connections": None}, "/connections"),
        ({"schema": 1, "name": 5, "blocks": []}, "/name"),
        ({"schema": 1, "blocks": [{"id": 5}]}, "/blocks/0/id"),
        ({"schema": 1, "blocks": [{"id": "a", "retries": "two"}]}, "/blocks/0/retries"),
        ({"schema": 1, "blocks": [{"id": "a", "agents": {}}]}, "/blocks/0/agents"),
        ({"schema": 1, "blocks": [{"id": "a"}, {"id": "a"}]}, "/blocks/1/id"),
        ({"blocks": [{**BLOCK, "data": []}]}, "/blocks/0/data"),
        ({"blocks": [{**BLOCK, "data": {"label": 7}}]}, "/blocks/0/data/label"),
        ({"blocks": [{**BLOCK, "data": {"task": ["x"]}}]}, "/blocks/0/data/task"),
        ({"blocks": [{**BLOCK, "data": {"agents": "x"}}]}, "/blocks/0/data/agents"),
        ({"blocks": [{**BLOCK, "data": {"agents": [0]}}]}, "/blocks/0/data/agents/0"),
        ({"blocks": [{**BLOCK, "data": {"rounds": "three"}}]}, "/blocks/0/data/rounds"),
        ({"blocks": [{**BLOCK, "data": {"rounds": True}}]}, "/blocks/0/data/rounds"),
        ({"blocks": [{**BLOCK, "type": 3}]}, "/blocks/0/type"),
        ({"blocks": [{**BLOCK, "position": "left"}]}, "/blocks/0/position"),
        ({"blocks": [{**BLOCK, "position": {"x": "1"}}]}, "/blocks/0/position/x"),
        ({"blocks": [BLOCK, BLOCK]}, "/blocks/1/id"),
        (
            {"blocks": [{**BLOCK, "data": {"agents": [{"id": "x"}, {"id": "x"}]}}]},
            "/blocks/0/data/agents/1/id",
        ),
        ({"blocks": [BLOCK], "connections": [{"id": "c"}, {"id": "c"}]}, "/connections/1/id"),
        ({"blocks": [BLOCK], "connections": [{"source": 1}]}, "/connections/0/source"),
        ({"blocks": [BLOCK], "connections": [{"source": {}}]}, "/connections/0/source"),
        (
            {"blocks": [BLOCK], "connections": [{"target": {"blockId": 1}}]},
            "/connections/0/target/blockId",
        ),
        ({"blocks": [BLOCK], "connections": [{"type": 4}]}, "/connections/0/type"),
        ([{"blocks": [BLOCK]}, {"schema": 1, "blocks": [1]}], "/1/blocks/0"),
        ({"blocks": [{**BLOCK, "data": {"task": "a\0b"}}]}, "/blocks/0/data/task"),
    ],
)
def test_what_cannot_be_kept_is_refused_at_its_place(raw: object, path: str) -> None:
    assert path in refusals(raw)


def test_files_that_are_no_json_are_refused() -> None:
    bad = [b"", b"{", b"\xff\xfe", b'{"a": 1, "a": 2}', b"[" * 100_000, b"[1e999]", b"NaN"]
    for data in (*bad, b" " * (MAX_FILE_BYTES + 1)):
        (problem,) = read_design_file(data).problems
        assert problem.path == ""


def test_values_that_hold_themselves_are_refused() -> None:
    ring: dict[str, Any] = {"schema": 1, "blocks": []}
    ring["blocks"].append(ring)
    fan: list[Any] = []
    fan += [fan, fan, fan]
    for raw in (ring, fan, {"schema": 1, "blocks": fan}):
        assert refusals(raw)


def test_very_many_designs_are_refused() -> None:
    assert str(MAX_DESIGNS) in refusals([{"blocks": [BLOCK]}] * (MAX_DESIGNS + 1))[""]


@pytest.mark.parametrize(
    "raw",
    [
        {"git_repos": [], "blocks": [{"id": f"-{n}", "data": {}} for n in range(9_000)]},
        {"schema": 1, "blocks": [], "connections": [{"id": "-" * (n % 7 + 1)} for n in range(9)]},
        {"blocks": [{"id": "a", "data": dict.fromkeys(map(str, range(60_000)))}]},
        {"schema": 1, "blocks": [7] * 200_000},
        {"blocks": [{"id": "A", "data": {"task": "{" * 500_000}}]},
        {"schema": 1, "blocks": [{"id": "A", "task": "{{ blocks.A }}" * 30_000}]},
        {"schema": 1, "blocks": [{"id": "A" * 900_000}], "output": "(" * 100_000},
    ],
)
def test_large_files_are_judged_soon(raw: object) -> None:
    calls, found = calls_of(lambda: read_designs(raw))
    assert calls < MAX_CALLS
    assert len(found.problems) <= 201
    assert all(len(design.warnings) <= 1_001 for design in found.designs)


def test_equal_names_get_numbers() -> None:
    raw = {"blocks": [{"id": name, "data": {}} for name in ("a-b", "a b", "a_b", "Ä b", "-", "7")]}
    (design,) = read_designs(raw).designs
    ids = [block["id"] for block in design.document["blocks"]]
    assert ids == ["a_b_2", "a_b_3", "a_b", "a_b_4", "block", "block_7"]
    assert json.loads(design_text(design.document)) == design.document
