"""How blocks hang together: ids, ends of connections, circles, and joins that nothing reaches."""

from __future__ import annotations

import pytest

from designs.graph.expressions import Expression
from tests.graphs import asking, chain, design, link, only_problem, paths, problems, transform


def test_repeated_ids_are_named_with_the_place_of_the_first() -> None:
    raw = design(
        [asking("a", "x", "y", "x"), transform("b", "incoming"), transform("b", "incoming")],
        [link("a", "b"), {**link("b", "a"), "id": "a_b", "source": "a", "source_agent": "y",
                          "target": "b"}],
    )  # fmt: skip
    assert problems(raw) == [
        (
            "/blocks/0/agents/2/id",
            "Another agent has the id `x` already (/blocks/0/agents/0). "
            "Give this one an id of its own.",
        ),
        (
            "/blocks/2/id",
            "Another block has the id `b` already (/blocks/1). Give this one an id of its own.",
        ),
        (
            "/connections/1/id",
            "Another connection has the id `a_b` already (/connections/0). "
            "Give this one an id of its own.",
        ),
    ]


def test_the_same_id_may_stand_in_each_kind() -> None:
    raw = design([asking("a", "a"), asking("b", "a")], [{"id": "a", "source": "a", "target": "b"}])
    assert problems(raw) == []


def test_ends_that_are_not_there() -> None:
    raw = design(
        [asking("triage", "router"), asking("report", "writer")],
        [
            link("triaje", "report"),
            link("triage", "report", source_agent="routr", target_agent="judge"),
            {"id": "c", "source": "x", "target": "y"},
        ],
    )
    assert problems(raw) == [
        ("/connections/0/source", "There is no block `triaje`. Did you mean `triage`?"),
        (
            "/connections/1/source_agent",
            "Block `triage` has no agent `routr`. Did you mean `router`?",
        ),
        ("/connections/1/target_agent", "Block `report` has no agent `judge`."),
        ("/connections/2/source", "There is no block `x`."),
        ("/connections/2/target", "There is no block `y`."),
    ]


def test_a_transform_has_no_agent_to_connect() -> None:
    raw = design([asking("a"), transform("b", "incoming")], [link("a", "b", target_agent="writer")])
    assert only_problem(raw)[0] == "/connections/0/target_agent"


def test_saying_the_same_twice() -> None:
    twice = [link("a", "b"), {**link("a", "b"), "id": "again"}]
    assert only_problem(design([transform("a"), transform("b", "incoming")], twice)) == (
        "/connections/1",
        "This connection says the same as that at /connections/0. Remove one.",
    )
    # With other conditions they say different things.
    other = [{**way, "when": f"input.x == `{place}`"} for place, way in enumerate(twice)]
    assert problems(design([transform("a"), transform("b", "incoming")], other)) == []


# --- Circles --------------------------------------------------------------------------------------


def test_a_circle_is_spelled_out_at_the_connection_that_closes_it() -> None:
    raw = design(
        [transform(name, "incoming") for name in "abcd"],
        [*chain("a", "b", "c", "d"), link("d", "b")],
    )
    assert only_problem(raw) == (
        "/connections/3",
        "The blocks go in a circle: `b -> c -> d -> b`. Remove one of its connections.",
    )


def test_each_circle_is_told() -> None:
    raw = design(
        [transform(name, "incoming") for name in "abcd"],
        [link("a", "b"), link("b", "a"), link("c", "d"), link("d", "c"), link("b", "c")],
    )
    assert [(path, message.split("`")[1]) for path, message in problems(raw)] == [
        ("/connections/1", "a -> b -> a"),
        ("/connections/3", "c -> d -> c"),
    ]


def test_a_block_that_follows_itself() -> None:
    assert only_problem(design([transform("a")], [link("a", "a")])) == (
        "/connections/0",
        "A block cannot follow itself: `a -> a`. Remove this connection.",
    )


def test_a_long_circle_is_spelled_in_part() -> None:
    names = [f"b{number}" for number in range(200)]
    raw = design([transform(name) for name in names], [*chain(*names), link("b199", "b0")])
    path, message = only_problem(raw)
    assert path == "/connections/199"
    assert "`b0 -> b1 -> b2" in message
    assert "-> (190 more) -> b0`" in message


def test_a_diamond_is_no_circle() -> None:
    blocks = [transform("a"), *(transform(name, "incoming") for name in "bcd")]
    raw = design(blocks, [link("a", "b"), link("a", "c"), link("b", "d"), link("c", "d")])
    assert problems(raw) == []


# --- Joins that nothing reaches -------------------------------------------------------------------


@pytest.mark.parametrize("when", ["`false`", "`1` > `2`", "''", "`[]`", "'a' == 'b'", "!`true`"])
def test_a_block_whose_only_condition_never_holds(when: str) -> None:
    raw = design(
        [transform("a"), transform("b", "incoming"), transform("c", "incoming")],
        [link("a", "b", when=when), link("b", "c")],
    )
    assert only_problem(raw) == (
        "/blocks/1",
        "Block `b` can never run: no connection to it can be taken. "
        "Correct the conditions (`when`), or remove the block.",
    )


@pytest.mark.parametrize("when", ["`true`", "`0`", "input.x", "incoming", "'text'"])
def test_conditions_that_may_hold(when: str) -> None:
    raw = design([transform("a"), transform("b", "incoming")], [link("a", "b", when=when)])
    assert problems(raw) == []


def test_a_join_needs_one_way_that_may_be_taken() -> None:
    blocks = [transform("a"), transform("b"), transform("join", "incoming")]
    never = link("a", "join", when="`false`")
    assert problems(design(blocks, [never, link("b", "join")])) == []
    assert paths(design(blocks, [never, link("b", "join", when="`null`")])) == ["/blocks/2"]


def test_a_constant_that_costs_too_much_may_hold() -> None:
    nested = "`[1,2,3,4,5,6,7,8,9,10]`"
    when = f"length(map(&map(&map(&map(&@, {nested}), {nested}), {nested}), {nested})) < `1`"
    raw = design([transform("a"), transform("b", "incoming")], [link("a", "b", when=when)])
    assert Expression.compile(when).evaluate({}) is False
    assert problems(raw) == []


def test_without_an_id_the_rest_of_a_part_is_checked_all_the_same() -> None:
    raw = design(
        [{**asking("a"), "id": 5, "task": "{{ inputs.x }}"}, {**asking("A"), "retries": 99}],
        [{"source": "b", "target": "c", "when": "a b"}],
    )
    assert paths(raw) == [
        "/blocks/0/id", "/blocks/0/task", "/blocks/1/id", "/blocks/1/retries",
        "/connections/0", "/connections/0/source", "/connections/0/target",
    ]  # fmt: skip
