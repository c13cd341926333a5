"""Files that are too large, of other programs, or no JSON are refused soon and by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from designs.graph.files import read_design_file, read_designs
from tests.graphs import design, problems, transform

NINE_THOUSAND = [transform(f"b{number}") for number in range(9_000)]


@pytest.mark.parametrize(
    ("raw", "program"),
    [
        ({"name": "x", "nodes": [], "connections": {}}, "an n8n workflow"),
        ({"nodes": [], "edges": [], "viewport": {}}, "a Flowise flow"),
        ({"app": {"mode": "workflow"}, "kind": "app", "workflow": {}}, "a Dify app"),
    ],
)
def test_other_programs_are_named(raw: dict[str, Any], program: str) -> None:
    for found in (read_designs(raw), read_design_file(json.dumps([raw]).encode())):
        (problem,) = found.problems
        sentence = f"This looks like {program}; designs of other programs are not read."
        assert problem.message == sentence


@pytest.mark.parametrize("text", ["app:\n  mode: chat\n", "# x\n---\nkind: app\n", "- a\n- b"])
def test_yaml_is_named(text: str) -> None:
    (problem,) = read_design_file(text.encode()).problems
    assert problem.message == "Only JSON is read; this looks like YAML."


def test_a_byte_order_mark_is_skipped() -> None:
    text = json.dumps(design([transform("a")]))
    assert read_design_file(text.encode("utf-8-sig")).problems == ()


def test_too_many_blocks_are_one_problem() -> None:
    sentence = "There may be at most 200 blocks here, and there are 9,000."
    assert problems(design(NINE_THOUSAND)) == [("/blocks", sentence)]
    (problem,) = read_designs(design(NINE_THOUSAND)).problems
    assert (problem.path, problem.message) == ("/blocks", sentence)
    # In the nested layout, too; and nothing of the blocks is looked at.
    (problem,) = read_designs({"name": "x", "blocks": [{"data": object()}] * 9_000}).problems
    assert problem.message == sentence
    assert [p.message for p in read_designs({"blocks": [], "connections": [1] * 9_000}).problems]
    assert problems(design([]))[0][1] == "A design needs at least one block. Add one."


@pytest.mark.parametrize("pattern", ["^(?=.*[A-Z])", "(?!a)b", "(?<=a)b", "(?<!a)b", r"(a)\1"])
def test_look_around_is_not_known(pattern: str) -> None:
    schema = {"type": "object", "properties": {"a": {"pattern": pattern}}}
    [(path, sentence)] = problems(design([transform("a")], input_schema=schema))
    assert path == "/input_schema/properties/a/pattern"
    assert sentence.startswith("Look-ahead, look-behind and back references are not known here.")
    fine = {"properties": {"a": {"pattern": r"\(\?=\\1"}}}
    assert problems(design([transform("a")], input_schema=fine)) == []


@pytest.mark.parametrize("kind", ["array", ["string", "null"], []])
def test_an_input_is_an_object(kind: Any) -> None:
    found = problems(design([transform("a")], input_schema={"type": kind}))
    assert [path for path, _ in found] == ["/input_schema/type"]
    assert problems(design([transform("a")], input_schema={"type": ["object", "null"]})) == []
    assert problems(design([transform("a")], output_schema={"type": "array"})) == []
