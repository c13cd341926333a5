"""Conditions of connections, branches that are skipped, and joins behind them."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.results import NO_RESULT
from tests.executor.engine.stage import down, play
from tests.graphs import asking, chain, design, link, transform

INCOMING = "{got: incoming}"


def fork(when_b: str | None, when_c: str | None) -> dict[str, Any]:
    """a -> b -> d and a -> c -> d, with conditions on the ways out of a."""
    more_b = {} if when_b is None else {"when": when_b}
    more_c = {} if when_c is None else {"when": when_c}
    blocks = [transform("a", "input"), *(transform(name, INCOMING) for name in "bcd")]
    ways = [link("a", "b", **more_b), link("a", "c", **more_c), link("b", "d"), link("c", "d")]
    return design(blocks, ways)


@pytest.mark.parametrize(
    ("given", "skipped"),
    [
        ({"risk": 0.9, "go": True}, []),
        ({"risk": 0.9, "go": False}, ["c"]),
        ({"risk": 0.1, "go": "x"}, ["b"]),
        ({"risk": 0.1, "go": []}, ["b", "c", "d"]),
    ],
)
async def test_branches_are_taken_or_skipped(given: Any, skipped: list[str]) -> None:
    raw = fork("blocks.a.output.risk > `0.8`", "incoming.go")
    played = await play(raw, given=given)
    statuses = played.statuses
    assert [name for name in "abcd" if statuses[name] == "skipped"] == skipped
    assert {statuses[name] for name in "abcd" if name not in skipped} == {"completed"}
    assert list(played.outcome.block_outputs) == [n for n in "abcd" if n not in skipped]


async def test_a_join_gets_what_the_taken_branches_brought() -> None:
    both = await play(fork(None, None), given=1)
    assert both.result == {"got": {"b": {"got": 1}, "c": {"got": 1}}}
    one = await play(fork("input.x", "`true`"), given=1)
    assert one.result == {"got": {"got": 1}}


async def test_skipping_goes_on_downstream() -> None:
    names = ["a", "b", "c", "d", "e"]
    blocks = [transform("a"), *(transform(name, INCOMING) for name in names[1:])]
    raw = design(blocks, [link("a", "b", when="input.go"), *chain(*names[1:])])
    played = await play(raw, given={"go": False})
    assert [played.statuses[name] for name in names] == ["completed"] + ["skipped"] * 4
    # What the first block made was not meant to be the result.
    assert played.result is None
    assert played.outcome.degraded == (NO_RESULT,)


async def test_a_skipped_block_asks_nobody() -> None:
    raw = design([asking("a"), asking("b"), asking("c")], [link("a", "b", when="input.x"),
                                                         link("b", "c")])  # fmt: skip
    played = await play(raw, given={"x": ""})
    assert played.stage.calls == ["a/writer/1/answer"]
    assert played.outcome.usage.model_calls == 1


async def test_a_condition_sees_what_the_connection_would_bring() -> None:
    blocks = [asking("a", "x", "y"), transform("b", INCOMING), transform("c", INCOMING)]
    ways = [
        {**link("a", "b"), "source_agent": "x", "when": "incoming == 'yes'"},
        link("a", "c", when="incoming == 'yes'"),
    ]
    played = await play(design(blocks, ways), {"x": "yes", "y": "no"})
    assert (played.statuses["b"], played.statuses["c"]) == ("completed", "skipped")
    assert played.result == {"b": {"got": "yes"}}


@pytest.mark.parametrize(
    ("value", "taken"),
    [("`0`", True), ("''", False), ("`[]`", False), ("`[0]`", True), ("`{}`", False),
     ("`false`", False), ("'0'", True)],
)  # fmt: skip
async def test_truth_is_that_of_expressions(value: str, taken: bool) -> None:
    blocks = [transform("a", f"{{v: {value}}}"), transform("b", INCOMING)]
    played = await play(design(blocks, [link("a", "b", when="incoming.v")]))
    assert (played.statuses["b"] == "completed") is taken


async def test_a_missing_value_in_a_condition_is_not_true() -> None:
    raw = design([transform("a"), transform("b", INCOMING)], [link("a", "b", when="input.x.y")])
    assert (await play(raw)).statuses["b"] == "skipped"


async def test_a_condition_without_a_value_ends_the_run() -> None:
    raw = design(
        [transform("a"), transform("b", INCOMING)], [link("a", "b", when="length(input.n) > `1`")]
    )
    played = await play(raw, given={"n": 5})
    assert played.error == (
        "expression",
        "Condition of connection 'a_b' (a to b): `length(input.n) > `1`` has no value: "
        "length() needs text or a list or an object, not a number.",
    )


async def test_a_connection_of_an_agent_that_said_nothing_is_not_taken() -> None:
    blocks = [
        asking("a", "x", "y", "z", kind="parallel", settings={"require": 2}, retries=0),
        transform("b", INCOMING),
        transform("c", INCOMING),
    ]
    ways = [link("a", "b", source_agent="x"), link("a", "c", source_agent="y")]
    played = await play(design(blocks, ways), {"a/x": down(), "y": "Y"})
    assert played.statuses["b"] == "skipped"
    assert played.outcome.block_outputs["c"] == {"got": "Y"}


async def test_two_conditional_ways_between_the_same_blocks() -> None:
    ways = [{**link("a", "b"), "id": f"w{n}", "when": f"incoming == `{n}`"} for n in (1, 2)]
    raw = design([transform("a", "input"), transform("b", INCOMING)], ways)
    for given, status in ((1, "completed"), (2, "completed"), (3, "skipped")):
        assert (await play(raw, given=given)).statuses["b"] == status
