"""Debate, when it goes wrong: forfeits, too few left, verdicts and votes that name nobody."""

from __future__ import annotations

import pytest

from tests.designs.patterns.test_debate import SPEECHES, VERDICT, debate, three
from tests.scripted import DOWN, agent, block, design, play, tries


def trio(**settings):
    agents = (agent("pro"), agent("con"), agent("mid"), agent("judge", "moderator"))
    return design(block("debate", *agents, settings=settings))


async def test_a_failed_debater_forfeits_the_round_and_comes_back():
    played = await play(
        trio(), {"mid/2/reply": DOWN, "reply": {"answer": "x", "agrees": False}, **SPEECHES}
    )

    (sentence,) = played.outcome.degraded
    assert sentence.startswith("Round 2: No answer came from mid (")
    assert "the model is down" in sentence
    assert "main/mid/3/reply" in played.steps
    assert played.result == "We stay."
    seen = played.model.prompt("main/judge/3/verdict")
    assert seen["Note"] == sentence
    assert "Answer of mid, round 1" in seen
    assert "Answer of mid, round 2" not in seen


async def test_the_others_go_on_with_what_a_forfeiter_said_before():
    played = await play(
        trio(), {"mid/opening": "Wait.", "mid/2/reply": DOWN,
                 "reply": {"answer": "x", "agrees": True}, **SPEECHES}
    )  # fmt: skip

    assert played.model.prompt("main/pro/3/reply")["Answer of mid"] == "Wait."


async def test_one_who_forfeits_has_not_agreed():
    agreed = {"answer": "Go in May.", "agrees": True}

    played = await play(trio(), {"reply": agreed, "mid/2/reply": DOWN, "verdict": VERDICT})

    assert "main/pro/3/reply" in played.model.calls


async def test_a_debater_whose_reply_cannot_be_read_forfeits_the_round():
    played = await play(
        trio(), {"mid/2/reply": "I agree with all of you.",
                 "reply": {"answer": "x", "agrees": True}, "verdict": VERDICT}
    )  # fmt: skip

    assert "form that was asked for" in played.outcome.degraded[0]
    assert played.model.calls.count("main/mid/2/reply") == 2


@pytest.mark.parametrize("purpose", ["con/opening", "con/2/reply", "con/3/reply"])
async def test_fewer_than_two_left_fails_the_block(purpose):
    played = await play(debate(), SPEECHES | {purpose: DOWN})

    assert played.outcome.status == "failed"
    assert "agent 'con' got no answer" in played.error
    assert "verdict" not in "".join(played.model.calls)


async def test_of_three_two_may_not_be_lost():
    played = await play(trio(), {"con/opening": DOWN, "mid/opening": DOWN})

    assert "2 of 3 agents must answer" in played.error
    assert "con:" in played.error
    assert "mid:" in played.error


async def test_an_unknown_winner_is_corrected_once_with_the_valid_names():
    played = await play(
        debate(), SPEECHES | {"verdict": tries({**VERDICT, "winner": "Con"}, VERDICT)}
    )

    assert (
        '"Con" is not one of "pro", "con"'
        in played.model.prompt("main/judge/3/verdict")["Correction"]
    )
    assert played.outcome.degraded == ()


async def test_a_winner_still_unknown_is_nobody_and_the_final_answer_counts():
    played = await play(debate(), SPEECHES | {"verdict": {**VERDICT, "winner": "everybody"}})

    assert played.result == "We stay."
    assert played.outcome.degraded == ("judge named no winner among `pro`, `con`.",)


@pytest.mark.parametrize("bad", ["Con wins: we stay.", '{"winner": "con", "reason": "x"}', "{}"])
async def test_a_verdict_without_a_final_answer_fails_the_block(bad):
    played = await play(debate(), SPEECHES | {"verdict": bad})

    assert played.outcome.status == "failed"
    assert "it must name a winner of `pro`, `con` and give the final answer" in played.error


async def test_a_lost_judge_fails_the_block():
    played = await play(debate(), SPEECHES | {"verdict": DOWN})

    assert "agent 'judge' got no answer: the model is down." in played.error


async def test_votes_for_nobody_are_named_and_do_not_count():
    played = await play(
        three(),
        {"pro/opening": "Go.", "con/opening": "Stay.", "pro/vote": {"reason": "r", "winner": "me"},
         "con/vote": {"reason": "r", "winner": "con"}, "mid/vote": DOWN},
    )  # fmt: skip

    assert played.result == "Stay."
    (sentence,) = played.outcome.degraded
    assert "pro (“me” did not debate)" in sentence
    assert "mid (" in sentence


async def test_without_any_valid_vote_the_block_fails():
    played = await play(three(), {"vote": {"reason": "r", "winner": "nobody"}})

    assert played.outcome.status == "failed"
    assert "1 of 3 agents must answer" in played.error
