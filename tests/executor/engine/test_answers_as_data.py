"""Agents with an output schema: their answers are data, checked, recorded and replayed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executor.engine.stage import play
from tests.graphs import agent, asking, design, link, transform

INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {"number": {"type": "string"}, "total": {"type": "number"}},
    "required": ["number", "total"],
    "additionalProperties": False,
}
GOOD = '{"number": "17", "total": 120.5}'
DATA = {"number": "17", "total": 120.5}
READER = agent("reader", output_schema=INVOICE)


async def test_the_answer_is_data_for_expressions_connections_and_templates() -> None:
    raw = design(
        [
            asking("read", READER),
            transform("sum", "blocks.read.output.total * 2 + incoming.total"),
            asking("write", task="Invoice {{ blocks.read.output.number }}"),
        ],
        [link("read", "sum"), link("read", "write")],
        output="{total: blocks.sum.output, all: blocks.read.output}",
    )
    played = await play(raw, {"reader": GOOD})
    assert played.result == {"total": 361.5, "all": DATA}
    assert played.stage.requests[0].schema == INVOICE
    prompt = played.stage.prompt("write/writer/1/answer")
    assert (prompt["Task"], prompt["From read"]) == ("Invoice 17", DATA)
    step = played.journal.recall("read/reader/1/answer")
    assert (step.output, step.text) == (DATA, GOOD)


async def test_agents_after_it_see_the_data_and_may_answer_in_words() -> None:
    raw = design([asking("a", READER, "writer")])
    played = await play(raw, {"reader": GOOD, "writer": "Paid."})
    assert played.result == "Paid."
    assert played.stage.prompt("a/writer/1/answer")["Answer of reader"] == DATA


async def test_it_is_corrected_once() -> None:
    played = await play(design([asking("a", READER)]), {"reader": ['{"number": 17}', GOOD]})
    assert (played.result, len(played.stage.calls)) == (DATA, 2)


@pytest.mark.parametrize(
    ("more", "result"), [({}, None), ({"on_error": "default", "default": "none"}, "none")]
)
async def test_what_never_fits_fails_by_the_blocks_rule(more: dict[str, Any], result: Any) -> None:
    raw = design([asking("a", READER, **more)])
    played = await play(raw, {"reader": '{"number": 17}'})
    assert len(played.stage.calls) == 2
    if result is None:
        assert "total" in played.error[1]
    else:
        assert played.result == result


async def test_replayed_answers_are_the_same_data() -> None:
    raw = design([asking("a", READER), transform("b", "incoming.number")], [link("a", "b")])
    first = await play(raw, {"reader": GOOD})
    again = await play(raw, journal=first.journal)
    assert (again.stage.calls, again.result) == ([], "17")


async def test_members_and_who_brings_them_together_may_have_forms() -> None:
    judge = agent("judge", "moderator", output_schema=INVOICE)
    raw = design([asking("p", READER, "second", judge, kind="parallel")])
    played = await play(raw, {"reader": GOOD, "second": "words", "judge": GOOD})
    assert played.result == DATA
    prompt = played.stage.prompt("p/judge/1/aggregate")
    assert (prompt["Answer of reader"], prompt["Answer of second"]) == (DATA, "words")


async def test_a_vote_counts_equal_objects() -> None:
    team = [agent(name, output_schema=INVOICE) for name in "xyz"]
    raw = design([asking("p", *team, kind="parallel", settings={"aggregate": "vote"})])
    other = '{"number": "18", "total": 1}'
    same = '{"total": 120.50, "number": "17"}'
    assert (await play(raw, {"x": other, "y": GOOD, "z": same})).result == DATA


async def test_specialists_and_the_managers_last_answer() -> None:
    raw = design(
        [asking("r", agent("m", "moderator"), agent("s", "specialist", output_schema=INVOICE),
                agent("t", "specialist"), kind="routing")]
    )  # fmt: skip
    played = await play(raw, {"m": '{"reason": "r", "route": "s"}', "s": GOOD})
    assert played.result == DATA
    raw = design(
        [asking("h", agent("m", "manager", output_schema=INVOICE), "w", kind="hierarchical")]
    )
    plan = '{"subtasks": [{"worker": "w", "task": "t"}]}'
    said = {"h/m/1/plan": plan, "h/m/1/synthesis": GOOD, "w": "done"}
    assert (await play(raw, said)).result == DATA
