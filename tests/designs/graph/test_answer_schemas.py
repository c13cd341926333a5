"""What an agent's output schema may be, where it may stand, and what its output is then."""

from __future__ import annotations

from typing import Any

import pytest

from designs.patterns.catalogue import PALETTE, check_document
from designs.patterns.comparison import compare_designs
from designs.patterns.hints import hints
from designs.patterns.shapes import shape_for
from tests.graphs import agent, asking, design, link, transform

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "rows": {"type": "array"},
        "who": {"type": "object", "properties": {"name": {"type": "string"}}},
        "any": {"anyOf": [{"type": "string"}, {"type": "number"}]},
    },
}


def problems(raw: Any) -> dict[str, str]:
    return {problem.path: problem.message for problem in check_document(raw).problems}


@pytest.mark.parametrize(
    ("schema", "path", "sentence"),
    [
        ({"type": "array"}, "/type", "The answer of an agent is an object. Write `object`"),
        ({}, "", "The answer of an agent is an object."),
        ({"type": ["object", "null"]}, "/type", "The answer of an agent is an object."),
        ({"type": "object", "anyOf": [{}]}, "/anyOf", "Servers of models refuse `anyOf` here."),
        ({"type": "objekt"}, "/type", "`type` is one of"),
        ({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}, "/$schema",
         "Only JSON Schema 2020-12"),
        ({"type": "object", "properties": {"a": {"$ref": "https://x.test/a"}}},
         "/properties/a/$ref", "This reference leads nowhere."),
        ({"type": "object", "description": "x" * 20_001}, "", "more than 20,000 characters"),
        ("text", "", "This must be an object."),
    ],
)  # fmt: skip
def test_what_no_model_could_be_asked_for(schema: Any, path: str, sentence: str) -> None:
    raw = design([asking("a", agent("x"), agent("y", output_schema=schema))])
    found = problems(raw)
    assert sentence in found[f"/blocks/0/agents/1/output_schema{path}"]


@pytest.mark.parametrize(
    ("kind", "agents", "refused"),
    [
        ("debate", [agent("a"), agent("b"), agent("c", "moderator")], {0, 1, 2}),
        ("reflection", [agent("a"), agent("b", "reflector")], {0, 1}),
        ("routing", [agent("a", "moderator"), agent("b", "specialist")], {0}),
        ("hierarchical", [agent("a", "manager"), agent("b")], {1}),
        ("parallel", [agent("a"), agent("b"), agent("c", "manager")], set()),
        ("sequential", [agent("a"), agent("b")], set()),
    ],
)
def test_where_it_is_not_combined(kind: str, agents: list[Any], refused: set[int]) -> None:
    formed = [{**one, "output_schema": FORM} for one in agents]
    found = check_document(design([asking("x", *formed, kind=kind)])).problems
    assert {problem.path for problem in found} == {
        f"/blocks/0/agents/{place}/output_schema" for place in refused
    }
    assert all(f"A {kind} block asks this agent" in problem.message for problem in found)
    assert all(problem.fix and problem.fix.patch[0]["op"] == "remove" for problem in found)


def test_a_design_has_at_most_two_hundred() -> None:
    blocks = [
        asking(f"b{n}", *[agent(f"a{m}", output_schema={"type": "object"}) for m in range(41)])
        for n in range(5)
    ]
    assert "At most 200 agents may have" in problems(design(blocks))[""]


def test_shapes_tell_what_can_be_read() -> None:
    formed = agent("y", "moderator", output_schema=FORM)
    fields = {
        "title": {"kind": "text"}, "rows": {"kind": "list"}, "any": {"kind": "any"},
        "who": {"kind": "object", "fields": {"name": {"kind": "text"}}},
    }  # fmt: skip
    for kind, team, expected in (
        ("sequential", [agent("x"), formed], {"kind": "object", "fields": fields}),
        ("sequential", [formed, agent("x")], {"kind": "text"}),
        ("parallel", [agent("x"), formed, agent("z")], {"kind": "object", "fields": fields}),
    ):
        graph = check_document(design([asking("a", *team, kind=kind)])).graph
        assert graph is not None
        pattern = PALETTE[kind]
        settings = pattern.settings_type().model_dump()
        assert shape_for(pattern.output, graph.blocks[0], settings) == expected


def test_a_field_that_the_form_does_not_have_is_a_hint() -> None:
    blocks = [asking("a", agent("x", output_schema=FORM)), transform("b", "blocks.a.output.titel")]
    graph = check_document(design(blocks, [link("a", "b")])).graph
    [hint] = [one for one in hints(graph) if "output" in one.message]
    assert "The output of `a` has no field `titel`. Did you mean `title`?" in hint.message


def test_a_changed_form_is_shown_in_comparisons() -> None:
    before = design([asking("a", agent("x"))])
    after = design([asking("a", agent("x", output_schema=FORM))])
    [part] = compare_designs(before, after).changes
    assert [(change.name, change.after) for change in part.fields] == [("output_schema", FORM)]
