"""How large and how tangled a schema may be, and that no pattern takes long."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.report import Report
from designs.graph.schemas import check_schema, compile_schema

Schema = dict[str, Any]


def found(schema: Schema) -> list[str]:
    report = Report()
    check_schema(schema, "", report)
    return [problem.message for problem in report.problems()]


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*$", "(.*a){20}$", "(x+x+)+y"])
def test_patterns_that_hang_others_are_harmless(pattern: str) -> None:
    validator = compile_schema({"type": "string", "pattern": pattern})
    # Where each letter doubles the steps, this never ends.
    for text in ("a" * 50_000 + "!", "x" * 50_000):
        assert validator.is_valid(text) is (pattern == "(a|a)*$")


def test_sizes() -> None:
    def wide(count: int) -> Schema:
        return {"properties": {f"p{number}": {} for number in range(count)}}

    def deep(depth: int) -> Schema:
        schema: Schema = {}
        for _ in range(depth - 1):
            schema = {"items": schema}
        return schema

    assert found(wide(198)) == []
    assert "more than 200 parts" in found(wide(199))[0]
    assert found(deep(20)) == []
    assert "nested deeper than 20 levels" in found(deep(21))[0]
    assert found({"required": [f"r{number}" for number in range(3_000)]}) == []
    assert "more than 4,000 entries" in found({"required": ["r"] * 4_000})[0]
    assert found({"enum": list(range(20_000))}) == []
    assert compile_schema({"pattern": "a" * 200})
    assert found({"pattern": "(((a{1,50}){1,50}){1,50}){1,50}"})


def test_references_cannot_multiply() -> None:
    bomb: Schema = {"$defs": {"d0": {"type": "string"}}}
    for level in range(1, 12):
        ways = [{"$ref": f"#/$defs/d{level - 1}"}] * 5
        bomb["$defs"][f"d{level}"] = {"allOf": ways}
    assert "With its references followed" in found({**bomb, "$ref": "#/$defs/d11"})[0]
    twice = {"$defs": {"t": {"anyOf": [{"items": {"$ref": "#/$defs/t"}}, {"$ref": "#/$defs/t"}]}}}
    assert "refers to itself in several places" in found({**twice, "$ref": "#/$defs/t"})[0]
    once = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert found(once) == []
    names = [f"d{level}" for level in range(95)]
    chain = {
        a: {"allOf": [{"$ref": f"#/$defs/{b}"}]} for a, b in zip(names, names[1:], strict=False)
    }
    assert found({"$defs": {**chain, names[-1]: {}}, "$ref": "#/$defs/d0"}) == []


def test_a_loop_that_doubles_is_refused_and_a_tree_is_not() -> None:
    b = {"type": "array", "items": {"$ref": "#/$defs/a"}}
    for twice in (
        {"allOf": [{"$ref": "#/$defs/b"}, {"$ref": "#/$defs/b", "minItems": 0}]},
        {"$ref": "#/$defs/b", "not": {"$ref": "#/$defs/b"}},
        {"if": {"$ref": "#/$defs/b"}, "then": {"anyOf": [{"$ref": "#/$defs/b"}]}},
        {"dependentSchemas": {"x": {"$ref": "#/$defs/b"}}, "else": {"$ref": "#/$defs/b"}},
        {"items": {"$ref": "#/$defs/b"}, "contains": {"$ref": "#/$defs/b"}},
    ):
        [message] = found(
            {"$defs": {"a": twice, "b": b}, "properties": {"x": {"$ref": "#/$defs/a"}}}
        )
        assert "doubles the work" in message
    node = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/tree"}]}
    ways = {"left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}}
    tree = {"type": "object", "properties": ways}
    assert found({"$defs": {"node": node, "tree": tree}, "$ref": "#/$defs/tree"}) == []
