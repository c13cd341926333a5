"""Debate: the rounds, who sees what, when it stops, and who decides."""

from __future__ import annotations

import pytest

from tests.scripted import agent, block, design, play, problems_of

VERDICT = {"reason": "Better reasons.", "winner": "con", "answer": "We stay."}


def debate(*, judged=True, **settings):
    judge = [agent("judge", "moderator")] if judged else []
    return design(
        block("debate", agent("pro", name="Pro"), agent("con"), *judge, settings=settings)
    )


def reply(answer, *, agrees):
    return {"answer": answer, "agrees": agrees}


SPEECHES = {
    "pro/opening": "Go.",
    "con/opening": "Stay.",
    "pro/2/reply": reply("Go soon.", agrees=False),
    "con/2/reply": reply("Stay a while.", agrees=False),
    "pro/3/reply": "Go at last.",
    "con/3/reply": "Stay for ever.",
    "verdict": VERDICT,
}


async def test_three_rounds_then_the_judges_final_answer():
    played = await play(debate(), SPEECHES)

    assert played.result == "We stay."
    assert played.outcome.degraded == ()
    assert list(played.steps) == [
        "main/pro/1/opening", "main/con/1/opening", "main/pro/2/reply", "main/con/2/reply",
        "main/pro/3/reply", "main/con/3/reply", "main/judge/3/verdict",
    ]  # fmt: skip


async def test_the_opening_is_made_without_seeing_the_others():
    played = await play(debate(), SPEECHES)

    assert set(played.model.prompt("main/con/1/opening")) == {"Task", "What to do"}


async def test_each_answers_the_others_latest_words():
    played = await play(debate(), SPEECHES)

    seen = played.model.prompt("main/con/3/reply")
    assert seen["Answer of Pro (pro)"] == "Go soon."
    assert seen["Your last answer"] == "Stay a while."
    assert "Answer of con" not in seen


@pytest.mark.parametrize("rounds", [1, 2])
async def test_debaters_speak_at_the_same_time(rounds):
    played = await play(debate(rounds=rounds), {"verdict": VERDICT})

    assert played.model.most_busy == 2
    assert len(played.steps) == 2 * rounds + 1


async def test_the_judge_sees_the_whole_debate_and_may_name_debaters_only():
    played = await play(debate(), SPEECHES)

    seen = played.model.prompt("main/judge/3/verdict")
    assert seen["Answer of Pro (pro), round 1"] == "Go."
    assert seen["Answer of Pro (pro), round 2"] == "Go soon."
    assert seen["Answer of con, round 3"] == "Stay for ever."
    schema = played.model.requests["main/judge/3/verdict"].schema
    assert schema["properties"]["winner"]["enum"] == ["pro", "con"]


async def test_the_verdict_goes_along_the_judges_agent_connection():
    document = debate()
    expression = {"expression": "incoming"}
    document["blocks"].append({"id": "record", "type": "transform", "settings": expression})
    document["connections"] = [
        {"id": "c", "source": "main", "source_agent": "judge", "target": "record"}
    ]

    assert (await play(document, SPEECHES)).result == VERDICT


async def test_agreement_ends_it_early_and_the_judge_is_asked_all_the_same():
    agreed = {name: reply("Go in May.", agrees=True) for name in ("pro/2/reply", "con/2/reply")}

    played = await play(debate(rounds=5), SPEECHES | agreed)

    assert "main/pro/3/reply" not in played.model.calls
    assert list(played.steps)[-1] == "main/judge/2/verdict"
    assert played.result == "We stay."


async def test_one_who_does_not_agree_keeps_it_going():
    played = await play(debate(), SPEECHES | {"pro/2/reply": reply("Go soon.", agrees=True)})

    assert "main/pro/3/reply" in played.steps


async def test_the_same_words_are_an_agreement_too():
    played = await play(debate(), {"pro/opening": "Yes.", "con/opening": "yes", "verdict": VERDICT})

    assert list(played.steps)[-1] == "main/judge/1/verdict"


async def test_without_stopping_on_agreement_all_rounds_are_held():
    played = await play(
        debate(stop_on_agreement=False),
        {"opening": "Yes.", "reply": "Yes.", "verdict": VERDICT},
    )

    assert "main/con/3/reply" in played.steps
    assert played.model.requests["main/con/2/reply"].schema is None


@pytest.mark.parametrize("settings", [{}, {"judge": "none"}])
async def test_without_a_judge_the_output_is_the_last_round(settings):
    played = await play(debate(judged=False, **settings), SPEECHES)

    assert played.result == {"pro": "Go at last.", "con": "Stay for ever."}


def three(**settings):
    agents = (agent("pro"), agent("con"), agent("mid"))
    return design(block("debate", *agents, settings={"rounds": 1, "judge": "vote", **settings}))


async def test_the_answer_with_most_votes_wins():
    played = await play(
        three(),
        {"con/opening": "Stay.", "vote": {"reason": "r", "winner": "con"},
         "mid/vote": {"reason": "r", "winner": "pro"}},
    )  # fmt: skip

    assert played.result == "Stay."
    assert "main/con/1/vote" in played.steps


async def test_among_equals_the_earliest_in_the_document_wins():
    votes = {"pro": "mid", "con": "con", "mid": "pro"}
    script = {f"{who}/vote": {"reason": "r", "winner": whom} for who, whom in votes.items()}

    assert (await play(three(), {**script, "pro/opening": "Go."})).result == "Go."


def test_rules():
    crowd = [agent(f"d{number}") for number in range(1, 10)]
    assert set(problems_of(design(block("debate", *crowd)))) == {"/blocks/0/agents"}
    pair = design(block("debate", agent("pro"), agent("judge", "manager")))
    assert "and this one has 1." in problems_of(pair)["/blocks/0/agents"]
    judges = [agent("a"), agent("b"), agent("c", "manager"), agent("d", "moderator")]
    assert set(problems_of(design(block("debate", *judges)))) == {"/blocks/0/agents/3/role"}
    assert set(problems_of(debate(judge="vote"))) == {"/blocks/0/settings/judge"}
    assert set(problems_of(debate(judge="none"))) == {"/blocks/0/settings/judge"}
    assert set(problems_of(debate(judged=False, judge="agent"))) == {"/blocks/0/settings/judge"}
    assert set(problems_of(debate(rounds=11))) == {"/blocks/0/settings/rounds"}
    critic = design(block("debate", agent("a"), agent("b"), agent("c", "reflector")))
    assert set(problems_of(critic)) == {"/blocks/0/agents/2/role"}
