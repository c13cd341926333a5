"""Loop: one body again and again, until a condition holds or the rounds are over."""

from __future__ import annotations

from tests.graphs import transform
from tests.scripted import agent, block, design, play, problems_of

ADD = {"type": "transform", "settings": {"expression": "length(input.state)"}}


def looped(inner, **settings):
    settings = {"start": "input.text", "until": "`false`", "block": inner, **settings}
    return design({"id": "again", "type": "loop", "label": "Again", "settings": settings})


STEP = {k: v for k, v in block("sequential", agent("ana")).items() if k != "id"}


async def test_each_round_gets_the_output_of_the_round_before():
    inner = {**STEP, "task": "Round {{ input.round }} of {{ input.state }}."}

    played = await play(looped(inner, until="round == `3`"), given={"text": "this"})

    assert played.result == {
        "state": "again[3]>block/ana/1/answer", "rounds": 3, "reached": True,
    }  # fmt: skip
    assert played.model.prompt("again[1]>block/ana/1/answer")["Task"] == "Round 1 of this."
    assert played.model.prompt("again[2]>block/ana/1/answer")["Task"] == (
        "Round 2 of again[1]>block/ana/1/answer."
    )
    assert played.outcome.degraded == ()


async def test_the_condition_reads_the_output():
    played = await play(looped(ADD, until="output == `4`"), given={"text": "four"})

    assert played.result == {"state": 4, "rounds": 1, "reached": True}


async def test_at_its_cap_it_ends_degraded_with_what_there_is():
    played = await play(looped(STEP, max_rounds=2), given={"text": "x"})

    assert played.result["rounds"] == 2
    assert played.result["reached"] is False
    assert played.outcome.degraded == (
        "After 2 rounds its condition (`false`) does not hold; the last output was taken.",
    )


async def test_a_failed_round_fails_the_block():
    played = await play(looped(transform("x", "input.missing")), given={"text": "x"})

    assert "Block 'Again', round 1: " in played.outcome.error.message


def test_its_condition_reads_output_and_round_alone_besides_the_usual_names():
    assert problems_of(looped(ADD, until="output.score > round")) == {}
    assert "/blocks/0/settings/until" in problems_of(looped(ADD, until="outcome > `1`"))
