"""Expressions read what is there: known names, facts, blocks upstream."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.expressions import Expression
from tests.graphs import agent, asking, chain, design, link, only_problem, problems, transform


def placed(where: str, expression: str) -> dict[str, Any]:
    """Blocks a -> b -> d and c aside, with the expression somewhere at b."""
    template = f"Read {{{{ {expression} }}}}."
    middle: dict[str, Any] = asking("b")
    ways = chain("a", "b", "d")
    more = {}
    if where == "task":
        middle["task"] = template
    elif where == "prompt":
        middle["agents"] = [agent("writer", system_prompt=template)]
    elif where == "expression":
        middle = transform("b", expression)
    elif where == "template":
        middle = {**transform("b"), "settings": {"template": template}}
    elif where == "when":
        ways = [link("a", "b"), link("b", "d", when=expression)]
    else:
        more["output"] = expression
    blocks = [asking("a"), middle, transform("c"), transform("d", "incoming || `1`")]
    return design(blocks, ways, **more)


PLACES = {
    "task": "/blocks/1/task",
    "prompt": "/blocks/1/agents/0/system_prompt",
    "expression": "/blocks/1/settings/expression",
    "template": "/blocks/1/settings/template",
    "when": "/connections/1/when",
    "output": "/output",
}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    "expression",
    [
        "input", "input.deep[0].x", "execution.id", "execution.trigger", "execution.started_at",
        "blocks.a.output", "blocks.a.output.x || 'none'", "blocks", "'text'", "`5`",
        "input.rows[?x == `1`].y | [0]", "sort_by(input.rows, &name)", "input.{x: y, z: @.w}",
    ],
)  # fmt: skip
def test_what_may_be_read_everywhere(where: str, expression: str) -> None:
    assert problems(placed(where, expression)) == []


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (
            "inputs.x",
            "There is no name `inputs` to read; there are `input`, `blocks`, `execution`, ",
        ),
        ("hello", "For the text itself, write 'hello' in single quotes."),
        ("execution.user", "`execution` has only `id`, `trigger`, `started_at`, not `user`."),
        ("blocks.ghost.output", "There is no block `ghost`."),
        ("blocks.a.result", "A block has only `output`. Write `blocks.a.output`."),
        ("@", "`@` alone stands for all names at once."),
        ("length(@)", "`@` alone"),
        ("input.x || [ouput]", "There is no name `ouput`"),
        ("map(&x, rows)", "There is no name `rows`"),
    ],
)
def test_what_may_be_read_nowhere(where: str, expression: str, sentence: str) -> None:
    path, message = only_problem(placed(where, expression))
    assert path == PLACES[where]
    assert sentence in message


@pytest.mark.parametrize("where", PLACES)
def test_only_blocks_upstream_have_an_output(where: str) -> None:
    found = problems(placed(where, "blocks.c.output"))
    if where == "output":
        # At the end all blocks have settled.
        assert found == []
    else:
        assert found == [
            (
                PLACES[where],
                "`blocks.c.output` is not there at this point: `c` is not upstream. "
                "Connect the blocks, directly or through others.",
            )
        ]


def test_a_block_does_not_read_itself_but_its_conditions_do() -> None:
    assert "not upstream" in only_problem(placed("task", "blocks.b.output"))[1]
    assert problems(placed("when", "blocks.b.output.x")) == []
    assert "not upstream" in only_problem(placed("when", "blocks.d.output"))[1]


def test_incoming_is_for_blocks_and_conditions() -> None:
    for where in PLACES:
        found = problems(placed(where, "incoming"))
        sentence = "`incoming` is what a block receives; read `blocks.<id>.output` here."
        assert found == ([("/output", sentence)] if where == "output" else [])


def test_blocks_further_up_can_be_read_too() -> None:
    names = ["a", "b", "c", "d"]
    blocks = [
        *(transform(name, "incoming || `1`") for name in "abc"),
        transform("d", "blocks.a.output"),
    ]
    assert problems(design(blocks, chain(*names))) == []
    assert problems(design(blocks, chain("b", "c", "d"))) != []


def test_where_there_is_a_circle_nothing_is_said_of_order() -> None:
    blocks = [transform("a", "blocks.b.output"), transform("b", "blocks.a.output")]
    path, message = only_problem(design(blocks, [link("a", "b"), link("b", "a")]))
    assert path == "/connections/1"
    assert "circle" in message


def test_several_problems_of_one_text_come_together() -> None:
    raw = design([asking("a", task="{{ inputs.x }} {{ execution.x }} {{ blocks.b.output }}")])
    assert [path for path, _ in problems(raw)] == ["/blocks/0/task"] * 3


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("input.a.b", [("input", "a", "b")]),
        ("input.a[0].b", [("input", "a")]),
        ("input.rows[*].name", [("input", "rows")]),
        ("input.rows[?name == 'x'].age", [("input", "rows")]),
        ("input | a.b", [("input", "a", "b")]),
        ("sort_by(input.rows, &name)", [("input", "rows")]),
        ("a || b && !c", [("a",), ("b",), ("c",)]),
        ("{x: a, y: [b, c]}", [("a",), ("b",), ("c",)]),
        ("a == b.c", [("a",), ("b", "c")]),
        ("a.*", [("a",)]),
        ("a[1:2]", [("a",)]),
        ("a[].b", [("a",)]),
        ("`1`", []),
    ],
)
def test_reads(source: str, reads: list[tuple[str, ...]]) -> None:
    found = Expression.compile(source).reads
    assert sorted(found.paths) == sorted(reads)
    assert found.everything is False
    assert found.nothing is (reads == [])


@pytest.mark.parametrize(
    "source", ["@", "[@]", "length(@)", "*", "@[0]", "@ == `1`", "to_string(@)"]
)
def test_reading_everything(source: str) -> None:
    assert Expression.compile(source).reads.everything is True
