"""Reflection, mode refine: draft, score, revise; until good, stale or at the cap."""

from __future__ import annotations

import pytest

from tests.scripted import DOWN, agent, block, design, play, problems_of, tries


def pair(**settings):
    agents = (agent("writer"), agent("critic", "reflector"))
    return design(block("reflection", *agents, settings=settings))


def scored(*scores):
    """A script: draft 1, 2, … and their scores; every feedback names its draft."""
    script = {"draft": "draft 1"}
    for number, score in enumerate(scores, start=1):
        script[f"writer/{number}/revise"] = f"draft {number}"
        critique = {"feedback": f"Better than {number}, please.", "score": score}
        script[f"critic/{number}/critique"] = critique
    return script


async def test_a_good_first_draft_is_the_output():
    played = await play(pair(), scored(80))

    assert played.result == "draft 1"
    assert list(played.steps) == ["main/writer/1/draft", "main/critic/1/critique"]
    assert played.outcome.degraded == ()


async def test_a_draft_is_revised_with_its_feedback_until_the_threshold():
    played = await play(pair(), scored(40, 90))

    assert played.result == "draft 2"
    seen = played.model.prompt("main/writer/2/revise")
    assert seen["Draft"] == "draft 1"
    assert seen["Feedback"] == "Better than 1, please. (score: 40 of 100)"
    assert list(played.steps)[-1] == "main/critic/2/critique"


async def test_the_critic_judges_the_draft_by_the_task():
    played = await play(pair(), scored(80))

    seen = played.model.prompt("main/critic/1/critique")
    assert (seen["Task"], seen["Draft"]) == ("Do it.", "draft 1")


async def test_at_the_cap_the_last_draft_is_scored_and_the_best_one_counts():
    played = await play(pair(patience=3), scored(30, 70, 50))

    assert played.result == "draft 2"
    assert list(played.steps)[-1] == "main/critic/3/critique"
    assert played.outcome.degraded == ("The best draft scored 70; the threshold is 80.",)


async def test_the_last_draft_may_be_the_best():
    played = await play(pair(max_rounds=2), scored(30, 60))

    assert played.result == "draft 2"
    assert played.outcome.degraded == ("The best draft scored 60; the threshold is 80.",)


@pytest.mark.parametrize(("patience", "drafts"), [(1, 3), (2, 4)])
async def test_revising_ends_when_it_gets_no_better(patience, drafts):
    played = await play(pair(max_rounds=9, patience=patience), scored(30, 50, 50, 40, 99))

    assert sum("critique" in key for key in played.steps) == drafts
    assert played.result == "draft 2"


async def test_among_equals_the_earliest_counts():
    assert (await play(pair(max_rounds=2), scored(50, 50))).result == "draft 1"


async def test_a_threshold_of_zero_takes_the_first_draft():
    assert (await play(pair(threshold=0), scored(0))).outcome.degraded == ()


async def test_one_agent_plays_both():
    document = design(block("reflection", agent("both", "reflector")))
    critique = {"feedback": "f", "score": 10}
    good = {"feedback": "f", "score": 95}

    played = await play(document, {"both/1/critique": critique, "both/2/critique": good})

    assert played.result == "main/both/2/revise"
    assert list(played.steps) == [
        "main/both/1/draft", "main/both/1/critique", "main/both/2/revise", "main/both/2/critique",
    ]  # fmt: skip


async def test_the_critique_of_the_best_draft_goes_along_the_critics_agent_connection():
    document = pair(max_rounds=2)
    expression = {"expression": "incoming"}
    document["blocks"].append({"id": "record", "type": "transform", "settings": expression})
    document["connections"] = [
        {"id": "c", "source": "main", "source_agent": "critic", "target": "record"}
    ]

    played = await play(document, scored(50, 20))

    assert played.result == {"score": 50, "feedback": "Better than 1, please."}


@pytest.mark.parametrize("bad", [{"feedback": "f", "score": 101}, {"feedback": "f"}, "90 of 100"])
async def test_a_first_draft_without_a_score_fails_the_block(bad):
    played = await play(pair(), {"critique": bad})

    assert played.outcome.status == "failed"
    assert "critic gave the draft no score from 0 to 100" in played.error
    assert played.model.calls.count("main/critic/1/critique") == 2


@pytest.mark.parametrize("other", ["8/10", "80%", 0.8, -5, "good"])
async def test_a_score_of_another_scale_is_no_score(other):
    played = await play(pair(), {"critique": {"feedback": "f", "score": other}})

    assert played.outcome.status == "failed"
    assert f"no score from 0 to 100, but “{other}”, so nobody knows" in played.error
    assert "Name a model for it that keeps to what is asked." in played.error


async def test_a_score_in_digits_is_one():
    played = await play(pair(), {"critique": {"feedback": "f", "score": "85"}, "draft": "d"})

    assert (played.result, played.outcome.degraded) == ("d", ())


async def test_a_critique_that_does_not_fit_is_corrected_once():
    good = {"feedback": "f", "score": 88}

    played = await play(pair(), {"critique": tries("88", good)})

    assert played.steps["main/critic/1/critique"].tries == 2
    assert played.outcome.degraded == ()


async def test_a_later_draft_without_a_score_does_not_count():
    played = await play(pair(), {**scored(60), "critic/2/critique": "Better!"})

    assert played.result == "draft 1"
    assert played.outcome.degraded == (
        "critic gave the draft of round 2 no score, so it does not count.",
        "The best draft scored 60; the threshold is 80.",
    )


@pytest.mark.parametrize("step", ["draft", "critic/1/critique"])
async def test_without_a_scored_draft_a_lost_agent_fails_the_block(step):
    played = await play(pair(), scored(40, 90) | {step: DOWN})

    assert played.outcome.status == "failed"
    assert "the model is down" in played.error


@pytest.mark.parametrize(
    ("step", "who"), [("writer/2/revise", "writer"), ("critic/2/critique", "critic")]
)
async def test_what_fails_later_leaves_the_best_draft(step, who):
    played = await play(pair(), scored(40, 90) | {step: DOWN})

    assert played.result == "draft 1"
    assert played.outcome.degraded == (
        f"Round 2 of revising failed (agent '{who}' got no answer: the model is down); "
        "the best draft was kept.",
        "The best draft scored 40; the threshold is 80.",
    )


def test_rules():
    settings = "/blocks/0/settings"
    assert set(problems_of(pair(max_rounds=0, threshold=101, patience=0))) == {
        f"{settings}/max_rounds", f"{settings}/threshold", f"{settings}/patience",
    }  # fmt: skip
    assert set(problems_of(pair(mode="other"))) == {f"{settings}/mode"}
    writers = design(block("reflection", agent("a"), agent("b")))
    critics = design(block("reflection", agent("a", "reflector"), agent("b", "reflector")))
    assert set(problems_of(writers)) == set(problems_of(critics)) == {"/blocks/0/agents/1/role"}
    three = design(block("reflection", agent("a"), agent("b"), agent("c", "reflector")))
    assert "at most 2 agents" in problems_of(three)["/blocks/0/agents"]
    judge = design(block("reflection", agent("a", "moderator"), agent("b", "reflector")))
    assert "no place for the role `moderator`" in problems_of(judge)["/blocks/0/agents/0/role"]
