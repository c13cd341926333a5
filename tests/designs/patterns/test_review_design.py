"""Reflection, mode review_design: reads every prompt, the graph, the results; suggests prompts."""

from __future__ import annotations

import pytest

from tests.scripted import DOWN, agent, block, design, play, problems_of, tries


def reviewed(**settings):
    first = block(
        "sequential", agent("ana"), agent("ben"), id="first", task="Say {{ input.word }}."
    )
    second = block("parallel", agent("ana"), agent("cleo"), id="second")
    review = block(
        "reflection", agent("critic", "reflector"), settings={"mode": "review_design", **settings}
    )
    aside = block("sequential", agent("dan"), id="aside")
    return design(
        first, second, review, aside,
        connections=[
            {"id": "c1", "source": "first", "target": "second", "when": "input.word"},
            {"id": "c2", "source": "second", "source_agent": "cleo", "target": "main"},
        ],
    )  # fmt: skip


def suggestion(name, prompt="Say it shortly.", **more):
    return {"agent": name, "reasoning": "Too long.", "suggested_prompt": prompt, **more}


def answer(*suggestions):
    return {"review": {"suggestions": list(suggestions)}}


async def run(script):
    return await play(reviewed(), script, given={"word": "hello"})


def suggestions(played):
    return played.outcome.block_outputs["main"]["suggestions"]


async def test_it_returns_suggestions_with_the_documents_own_prompts():
    false = suggestion("first/ben", current_prompt="You are somebody else.")

    played = await run(answer(suggestion("second/cleo"), false))

    assert suggestions(played) == [
        {
            "block_id": block_id,
            "agent_id": agent_id,
            "current_prompt": f"You are {agent_id}.",
            "suggested_prompt": "Say it shortly.",
            "reasoning": "Too long.",
        }
        for block_id, agent_id in (("first", "ben"), ("second", "cleo"))
    ]


async def test_the_reflector_reads_every_prompt_the_graph_and_the_results_upstream():
    played = await run(answer())

    seen = played.model.prompt("main/critic/1/review")
    names = ["first/ana", "first/ben", "second/ana", "second/cleo", "main/critic", "aside/dan"]
    assert list(seen["Agents"]) == names
    assert seen["Agents"]["second/cleo"]["system_prompt"] == "You are cleo."
    assert seen["Connections"] == ["first -> second, when input.word", "second.cleo -> main"]
    assert [found["id"] for found in seen["Blocks"]] == ["first", "second", "main", "aside"]
    assert seen["Blocks"][0]["task"] == "Say {{ input.word }}."
    assert seen["Results so far"] == {
        "first": "first/ben/1/answer",
        "second": {"ana": "second/ana/1/answer", "cleo": "second/cleo/1/answer"},
    }
    item = played.model.requests["main/critic/1/review"].schema["properties"]["suggestions"][
        "items"
    ]
    assert item["properties"]["agent"]["enum"] == names


async def test_long_results_are_shown_in_part():
    played = await run({**answer(), "first/ben/1/answer": "x", "ben/answer": "long " * 2_000})

    shown = played.model.prompt("main/critic/1/review")["Results so far"]["first"]
    assert len(shown) < 2_100


async def test_no_suggestion_is_an_answer_too():
    played = await run(answer())

    assert suggestions(played) == []
    assert played.outcome.degraded == ()


async def test_an_unknown_agent_is_corrected_once_with_the_valid_names():
    bad, good = answer(suggestion("first/dan"))["review"], answer(suggestion("aside/dan"))["review"]

    played = await run({"review": tries(bad, good)})

    correction = played.model.prompt("main/critic/1/review")["Correction"]
    assert '"first/dan" is not one of "first/ana", "first/ben", ' in correction
    assert '"aside/dan"' in correction
    assert [found["agent_id"] for found in suggestions(played)] == ["dan"]


async def test_a_suggestion_for_an_agent_still_unknown_is_dropped_and_named():
    played = await run(answer(suggestion("first/dan"), suggestion("first/ana")))

    assert [found["agent_id"] for found in suggestions(played)] == ["ana"]
    assert played.outcome.degraded == ("A suggestion was dropped: there is no agent “first/dan”.",)


async def test_the_first_suggestion_for_an_agent_counts_and_one_without_a_change_does_not():
    played = await run(
        answer(suggestion("first/ana", "One."), suggestion("first/ana", "Two."),
               suggestion("first/ben", " You are ben. "))
    )  # fmt: skip

    assert [found["suggested_prompt"] for found in suggestions(played)] == ["One."]


@pytest.mark.parametrize("bad", ["ana should speak shortly", "[]", '{"suggestions": {}}'])
async def test_suggestions_that_cannot_be_read_fail_the_block(bad):
    played = await run({"review": bad})

    assert played.outcome.status == "failed"
    assert "the suggestions of critic cannot be read" in played.error


async def test_a_lost_reflector_fails_the_block():
    assert "the model is down" in (await run({"review": DOWN})).error


def test_rules():
    settings = "/blocks/2/settings"
    assert set(problems_of(reviewed(threshold=90, max_rounds=2, patience=3))) == {
        f"{settings}/threshold", f"{settings}/max_rounds", f"{settings}/patience",
    }  # fmt: skip
    assert problems_of(reviewed(threshold=80)) == {}
    both = (agent("writer"), agent("critic", "reflector"))
    document = design(block("reflection", *both, settings={"mode": "review_design"}))
    assert set(problems_of(document)) == {"/blocks/0/agents/1"}
