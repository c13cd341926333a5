"""Parallel: the same task to all; a list, a vote or an agent brings the answers together."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.patterns.parallel import vote
from executor.engine.events import StepFailed
from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.stage import Stage, down, play
from tests.graphs import agent, asking, design, examples, link, transform

JUDGE = agent("judge", "moderator", name="Judge")


def parallel(*agents, **settings):
    return design([asking("p", *agents, kind="parallel", settings=settings, retries=0)])


async def test_all_members_get_the_same_task():
    played = await play(parallel("x", "y"), given={})
    prompts = [played.stage.prompt(f"p/{who}/1/answer")["Task"] for who in "xy"]
    assert prompts == ["Do p.", "Do p."]
    assert played.result == {"x": "p/x/1/answer", "y": "p/y/1/answer"}


async def test_an_aggregator_makes_the_output():
    played = await play(parallel("x", JUDGE, "y"), {"x": "X", "y": "Y", "judge": "both"})
    assert played.result == "both"
    prompt = played.stage.prompt("p/judge/1/aggregate")
    assert list(prompt) == ["system", "Task", "Answer of x", "Answer of y"]
    assert "p/judge/1/answer" not in played.stage.calls


async def test_what_each_agent_said_goes_along_agent_connections():
    raw = parallel("x", "y", JUDGE)
    raw["blocks"].append(transform("z", "{got: incoming}"))
    for who, wanted in (("x", "X"), ("judge", "J")):
        raw["connections"] = [link("p", "z", source_agent=who)]
        played = await play(raw, {"x": "X", "judge": "J"})
        assert played.result == {"got": wanted}


async def test_a_vote():
    raw = parallel("a", "b", "c", "d", aggregate="vote")
    played = await play(raw, {"a": "No.", "b": "Yes", "c": ' "yes!" ', "d": "maybe"})
    assert played.result == "Yes"


@pytest.mark.parametrize(
    ("answers", "wanted"),
    [
        (["a", "b"], "a"),
        (["b", "a", "a"], "a"),
        (["**Yes**", "yes.", "no"], "**Yes**"),
        (["two  words", "Two\nWords", "x"], "two  words"),
        (["ÄRGER", "ärger", "x"], "ÄRGER"),
        (["", ""], ""),
    ],
)
def test_which_answers_count_as_the_same(answers, wanted):
    assert vote(dict(zip("abcdef", answers, strict=False))) == wanted


@examples(100)
@given(st.dictionaries(st.text(min_size=1), st.sampled_from(["a", "A ", "b", "c."]), min_size=1))
def test_a_vote_is_one_of_the_answers_and_has_the_most(answers):
    def same(text):
        return text.strip(" .").lower()

    winner = vote(answers)
    counts = [sum(same(other) == same(text) for other in answers.values()) for text in
              answers.values()]  # fmt: skip
    assert winner in answers.values()
    assert sum(same(other) == same(winner) for other in answers.values()) == max(counts)


async def test_a_member_that_fails_ends_the_others_when_all_are_needed():
    async def hang(_):
        await asyncio.sleep(60)

    played = await play(parallel("x", "y", "z"), {"x": hang, "y": down(), "z": hang})
    assert played.error == ("transient", "Block 'p': agent 'y' got no answer: it is down.")
    assert {key for what, key in played.stage.log if what == "stopped"} == {
        "p/x/1/answer", "p/z/1/answer",
    }  # fmt: skip


async def test_waiting_ends_as_soon_as_too_few_are_left():
    async def hang(_):
        await asyncio.sleep(60)

    raw = parallel("w", "x", "y", "z", require=3)
    played = await play(raw, {"w": down(), "x": hang, "y": down(), "z": "Z"})
    assert played.error[0] == "block"
    assert "3 of 4 agents must answer" in played.error[1]
    assert "w: agent 'w' got no answer" in played.error[1]
    assert ("stopped", "p/x/1/answer") in played.stage.log


async def test_members_beyond_what_is_required_are_waited_for():
    played = await play(parallel("x", "y", "z", require=1), Stage(seed=4))
    assert list(played.result) == ["x", "y", "z"]
    assert played.outcome.degraded == ()


async def test_each_member_has_its_own_tries():
    raw = parallel("x", "y", require=1)
    raw["blocks"][0]["retries"] = 2
    played = await play(raw, {"x": down(), "y": [down(), "Y"]})
    assert played.result == {"y": "Y"}
    assert played.stage.calls.count("p/x/1/answer") == 3
    finals = [event.agent_id for event in played.events
              if isinstance(event, StepFailed) and event.final]  # fmt: skip
    assert finals == ["x"]


async def test_a_fault_of_one_member_is_the_blocks_fault_whatever_is_required():
    raw = parallel("x", "y", "z", require=1)
    played = await play(raw, {"y": RuntimeError("a bug")})
    assert played.error[0] == "internal"


async def test_members_that_time_out_are_missing_like_others():
    slow = ModelError(ErrorKind.TIMEOUT, "no answer within 5 seconds.")
    played = await play(parallel("x", "y", "z", require=2), {"z": slow})
    assert list(played.result) == ["x", "y"]
    assert "no answer within 5 seconds" in played.outcome.degraded[0]
