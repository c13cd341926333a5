"""Reading a document's parts: unknown keys, wrong types, what is missing, and all of it at once."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.report import pointer
from designs.patterns.catalogue import check_document
from tests.graphs import (
    agent,
    asking,
    chain,
    design,
    link,
    only_problem,
    paths,
    problems,
    transform,
)


def test_a_whole_document_becomes_a_graph() -> None:
    raw = design(
        [
            asking("facts", agent("finder", model=["openai:a", "offline:stand-in"])),
            transform("end"),
        ],
        [link("facts", "end", source_agent="finder", when="input.go")],
        description="What is known.",
        model="offline:stand-in",
        input_schema={"type": "object"},
        output_schema=None,
        output="blocks.end.output",
    )
    checked = check_document(raw)
    assert checked.problems == ()
    assert checked.graph is not None
    graph = checked.graph
    assert [block.id for block in graph.blocks] == ["facts", "end"]
    assert graph.blocks[0].agents[0].model == ["openai:a", "offline:stand-in"]
    assert graph.connections[0].when == "input.go"
    assert (graph.model, graph.output) == ("offline:stand-in", "blocks.end.output")


def test_the_least_document_has_defaults() -> None:
    graph = check_document({"name": "Least", "blocks": [{**transform("a")}]}).graph
    assert graph is not None
    block = graph.blocks[0]
    assert (graph.schema_version, graph.connections, graph.output) == (1, [], None)
    assert (block.retries, block.on_error, block.timeout_seconds) == (2, "fail", None)


def test_all_problems_come_at_once_in_the_documents_order() -> None:
    raw = {
        "schema": 2,
        "name": "",
        "colour": "red",
        "blocks": [
            {"id": "Bad-Id", "type": "transform", "settings": {"expression": "`1`"}},
            {
                "id": "b",
                "type": "sequential",
                "agents": [{"id": "x", "role": "boss"}],
                "retries": -1,
            },
            {"id": "c", "type": "transform", "settings": {"expression": "input..x", "speed": 3}},
            {"type": "transform", "settings": {"expression": "a b"}},
        ],
        "connections": [{"id": "k", "source": "b", "target": "nowhere"}, "text"],
        "output": "blocks.ghost.output",
    }
    assert paths(raw) == [
        "/colour", "/schema", "/name", "/blocks/0/id", "/blocks/1/agents/0/role",
        "/blocks/1/retries", "/blocks/2/settings/expression", "/blocks/2/settings/speed",
        "/blocks/3", "/blocks/3/settings/expression", "/connections/0/target",
        "/connections/1", "/output",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"schema": 2}, "/schema", "This must be one of 1."),
        ({"schema": True}, "/schema", "This must be a whole number."),
        ({"schema": 1.0}, "/schema", "This must be a whole number."),
        ({"name": 7}, "/name", "This must be text."),
        ({"name": ""}, "/name", "This must have at least 1 character."),
        ({"name": "n" * 201}, "/name", "This may have at most 200 characters."),
        ({"description": "n" * 10_001}, "/description", "This may have at most 10,000 characters."),
        ({"model": 5}, "/model", "Name a model as `provider:model`, or give a list of such names"),
        ({"model": []}, "/model", "Name a model"),
        ({"model": ["a:b", 3]}, "/model", "Name a model"),
        ({"input_schema": "object"}, "/input_schema", "This must be an object."),
        ({"blocks": {}}, "/blocks", "This must be a list."),
        ({"blocks": []}, "/blocks", "A design needs at least one block. Add one."),
        ({"connections": None}, "/connections", "This must be a list."),
        ({"output": 5}, "/output", "This must be text."),
        ({"positions": 5}, "/positions", "There is no key `positions` here."),
        ({"conections": []}, "/conections", "Did you mean `connections`?"),
    ],
)
def test_a_documents_own_keys(change: dict[str, Any], path: str, sentence: str) -> None:
    found = only_problem({**design([transform("a")]), **change})
    assert found[0] == path
    assert sentence in found[1]


@pytest.mark.parametrize(
    ("change", "path", "sentence"),
    [
        ({"id": "9a"}, "/id", "An id has 1 to 64 lower-case letters, digits and `_`"),
        ({"id": "a" * 65}, "/id", "An id has"),
        ({"id": "a\n"}, "/id", "An id has"),
        ({"id": None}, "/id", "An id has"),
        ({"type": 3}, "/type", "This must be text."),
        ({"task": ["x"]}, "/task", "This must be text."),
        ({"agents": "x"}, "/agents", "This must be a list."),
        ({"agents": [3]}, "/agents/0", "This must be an object."),
        ({"settings": []}, "/settings", "This must be an object."),
        ({"timeout_seconds": "5"}, "/timeout_seconds", "This must be a number."),
        ({"timeout_seconds": 0}, "/timeout_seconds", "This must be greater than 0."),
        ({"timeout_seconds": 86_401}, "/timeout_seconds", "This must be at most 86400."),
        ({"timeout_seconds": True}, "/timeout_seconds", "This must be a number."),
        ({"retries": 11}, "/retries", "This must be at most 10."),
        ({"retries": 1.5}, "/retries", "This must be a whole number."),
        ({"retries": True}, "/retries", "This must be a whole number."),
        (
            {"on_error": "ignore"},
            "/on_error",
            "This must be one of `fail`, `continue` or `default`.",
        ),
        ({"position": {"x": 1, "z": 2}}, "/position/z", "There is no key `z` here."),
        ({"position": {"x": "1"}}, "/position/x", "This must be a number."),
        ({"label": "l" * 201}, "/label", "This may have at most 200 characters."),
        ({"lable": "x"}, "/lable", "Did you mean `label`?"),
    ],
)
def test_a_blocks_keys(change: dict[str, Any], path: str, sentence: str) -> None:
    found = only_problem(
        design([asking("a", **change) if "id" not in change else {**asking("a"), **change}])
    )
    assert found[0] == f"/blocks/0{path}"
    assert sentence in found[1]


def test_agents_and_connections_are_read_as_strictly() -> None:
    raw = design(
        [asking("a", {"id": "x", "system_prompt": 5, "temperature": 0}), asking("b")],
        [{"id": "c", "source": "a", "target": "b", "label": "x", "route": 5}, {"source": "a"}],
    )
    assert problems(raw) == [
        ("/blocks/0/agents/0/system_prompt", "This must be text."),
        (
            "/blocks/0/agents/0/temperature",
            "There is no key `temperature` here. Remove it, or correct its name.",
        ),
        ("/connections/0/label", "There is no key `label` here. Remove it, or correct its name."),
        ("/connections/0/route", "This must be text."),
        ("/connections/1", "`id` is missing. Add it."),
        ("/connections/1", "`target` is missing. Add it."),
    ]


@pytest.mark.parametrize("raw", [None, 5, "text", [], [{}], True, 1.5])
def test_what_is_no_object_is_no_document(raw: object) -> None:
    assert only_problem(raw)[0] == ""


def test_keys_with_slashes_and_tildes_are_escaped_in_pointers() -> None:
    assert paths({**design([transform("a")]), "a/b~c": 1}) == ["/a~1b~0c"]
    assert pointer("a/b", 0, "~") == "/a~1b/0/~0"


def test_a_block_that_cannot_be_read_is_not_reported_as_missing_too() -> None:
    broken = {**transform("a"), "id": "a", "type": 5}
    assert paths(design([broken, transform("b", "incoming")], chain("a", "b"))) == [
        "/blocks/0/type"
    ]


def test_more_than_two_hundred_problems_say_so() -> None:
    raw = {**design([transform("a")]), **{f"key_{number}": 1 for number in range(500)}}
    found = problems(raw)
    assert len(found) == 201
    assert found[-1] == ("", "There are more problems than these 200.")
