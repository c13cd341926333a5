"""How large a document may be: one step below each limit passes, one beyond does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from designs.graph.spec import MAX_BYTES
from tests.graphs import Json, agent, asking, chain, design, link, only_problem, problems, transform


def nested(depth: int) -> Any:
    """Lists in lists, as deep as said."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def of_size(size: int) -> Json:
    """A document that takes so many bytes as compact JSON."""
    raw = design([asking("a", task="")])
    left = size - len(json.dumps(raw, separators=(",", ":")))
    return design([asking("a", task="x" * left)])


@pytest.mark.parametrize("count", [200, 201])
def test_blocks(count: int) -> None:
    names = [f"b{number}" for number in range(count)]
    found = problems(design([transform(name) for name in names], chain(*names[:200])))
    if count == 200:
        assert found == []
    else:
        path, message = found[0]
        assert path == "/blocks"
        assert message == "There may be at most 200 blocks here, and there are 201."


@pytest.mark.parametrize("count", [50, 51])
def test_agents_of_a_block(count: int) -> None:
    found = problems(design([asking("a", *(f"a{number}" for number in range(count)))]))
    sentence = "There may be at most 50 agents here, and there are 51."
    assert found == ([] if count == 50 else [("/blocks/0/agents", sentence)])


@pytest.mark.parametrize("count", [4_000, 4_001])
def test_connections(count: int) -> None:
    ways = [
        {**link("a", "b", when=f"input.x == `{number}`"), "id": f"c{number}"}
        for number in range(count)
    ]
    found = problems(design([transform("a"), transform("b", "incoming")], ways))
    path, message = found[0]
    if count == 4_000:
        # So many connections may stand there, but not so many conditions.
        assert (len(found), path) == (1, "")
        assert message.startswith("The design holds more than 2,000 expressions.")
    else:
        assert (path, message) == (
            "/connections",
            "There may be at most 4,000 connections here, and there are 4,001.",
        )


def test_a_document_of_a_mebibyte() -> None:
    assert problems(of_size(MAX_BYTES - 200)) == []
    sentence = "The design is larger than 1 MiB. Make it smaller."
    assert only_problem(of_size(MAX_BYTES + 200)) == ("", sentence)


def test_text_counts_in_bytes_not_characters() -> None:
    assert problems(design([asking("a", task="é" * 500_000)])) == []
    assert only_problem(design([asking("a", task="é" * 525_000)]))[0] == ""


def test_nesting() -> None:
    # The document, its blocks, the block and its key `default` are four levels themselves.
    for depth, wanted in ((28, []), (29, ["This is nested deeper than 32 levels."])):
        block = asking("a", on_error="default", default=nested(depth + 1)[0])
        raw = design([{**block, "default": {"x": nested(depth)}}])
        assert [message[:37] for _, message in problems(raw)] == wanted


def test_a_long_expression_and_a_long_text() -> None:
    longest = "input." + "x" * 1_994
    assert problems(design([transform("a", longest)])) == []
    path, message = only_problem(design([transform("a", longest + "x")]))
    assert path == "/blocks/0/settings/expression"
    assert "is longer than 2,000 characters." in message
    # A text around short expressions may be long.
    assert problems(design([asking("a", task="x" * 100_000 + "{{ input.x }}")])) == []


def test_expressions_of_one_text() -> None:
    assert problems(design([asking("a", task="{{ input.x }}" * 200)])) == []
    path, message = only_problem(design([asking("a", task="{{ input.x }}" * 201)]))
    assert path == "/blocks/0/task"
    assert message == "A text may hold 200 expressions, and this one holds more."


def test_expressions_of_one_document() -> None:
    prompts = [agent(f"a{n}", system_prompt="{{ input.x }}" * 200) for n in range(11)]
    assert problems(design([asking("a", *prompts[:9])])) == []
    path, message = only_problem(design([asking("a", *prompts)]))
    assert path == ""
    assert message == "The design holds more than 2,000 expressions. Make it smaller."


def test_characters_of_expressions_of_one_document() -> None:
    long = "input.x || " * 170 + "input.x"
    blocks = [transform(f"b{number}", f"{long} || '{number}'") for number in range(110)]
    assert problems(design(blocks[:100])) == []
    path, message = only_problem(design(blocks))
    assert path == ""
    assert message.startswith("The design's expressions have more than 200,000 characters.")
