"""Hierarchical, when it goes wrong: names that do not exist, lost workers, settings that clash."""

from __future__ import annotations

import pytest

from tests.designs.patterns.test_hierarchical import TWO, plan, team
from tests.scripted import DOWN, agent, block, design, play, problems_of, tries

STRANGER = plan(("ana", "count the words"), ("carl", "read it aloud"))


async def test_an_unknown_worker_is_corrected_once_with_all_valid_names():
    played = await play(team(), {"plan": tries(STRANGER, TWO)})

    assert played.outcome.degraded == ()
    assert played.steps["main/lead/1/plan"].tries == 2
    correction = played.model.prompt("main/lead/1/plan")["Correction"]
    assert '"carl" is not one of "ana", "ben"' in correction
    assert "main/ben/1/subtask_2" in played.steps


async def test_every_valid_name_is_listed_however_many_there_are():
    names = [f"worker_{number}" for number in range(1, 41)]
    document = design(block("hierarchical", agent("lead", "manager"), *map(agent, names)))

    played = await play(document, {"plan": tries(STRANGER, plan(("worker_1", "do it")))})

    correction = played.model.prompt("main/lead/1/plan")["Correction"]
    assert all(f'"{name}"' in correction for name in names)


async def test_a_worker_still_unknown_loses_its_subtask_which_is_named():
    played = await play(team(), {"plan": STRANGER, "synthesis": "Done in part."})

    sentence = "The subtask “read it aloud” was dropped: there is no worker “carl”."
    assert played.result == "Done in part."
    assert played.outcome.degraded == (sentence,)
    assert played.model.prompt("main/lead/1/synthesis")["Note"] == sentence
    assert played.model.calls.count("main/lead/1/plan") == 2
    assert [key for key in played.steps if "subtask" in key] == ["main/ana/1/subtask_1"]


@pytest.mark.parametrize(
    "bad", ["Let ana count the words.", "[1, 2]", "", '{"subtasks": "ana"}', '{"subtasks": [7]}']
)
async def test_a_plan_that_cannot_be_read_is_not_guessed_from_its_text(bad):
    played = await play(team(), {"plan": bad})

    assert played.outcome.status == "failed"
    assert "no subtask was carried out" in played.error
    assert "`ana`, `ben`" in played.error
    assert "subtask" not in "".join(played.model.calls)


async def test_an_empty_plan_is_said_to_be_empty():
    played = await play(team(), {"plan": {"subtasks": []}})

    assert played.error.endswith(
        "no subtask was carried out. The plan of lead has no subtasks. "
        "The workers are `ana`, `ben`."
    ), played.error
    assert "  " not in played.error


async def test_with_only_unknown_workers_the_block_fails_and_names_them_and_the_valid_ones():
    played = await play(team(), {"plan": plan(("carl", "read it aloud"))})

    assert "“carl”" in played.error
    assert "The workers are `ana`, `ben`." in played.error


async def test_subtasks_beyond_the_limit_are_dropped_and_named():
    played = await play(
        team(max_delegations=1), {"plan": plan(("ana", "first"), ("ben", "second"))}
    )

    assert played.outcome.degraded == (
        "The subtask “second” was dropped: no more than 1 subtasks are allowed.",
    )
    assert "main/ben/1/subtask_2" not in played.model.calls


async def test_a_subtask_without_words_is_dropped():
    played = await play(team(), {"plan": plan(("ana", "count"), ("ben", "  "))})

    assert len(played.outcome.degraded) == 1
    assert "does not say what to do" in played.outcome.degraded[0]


async def test_a_lost_worker_is_named_to_the_manager():
    played = await play(team(), {"plan": TWO, "ben/subtask_2": DOWN})

    (sentence,) = played.outcome.degraded
    assert sentence.startswith("ben did not do “check the names”:")
    assert "the model is down" in sentence
    assert played.model.prompt("main/lead/1/synthesis")["Note"] == sentence
    assert played.outcome.status == "completed"


async def test_a_lost_worker_may_be_made_up_for_in_the_next_round():
    played = await play(
        team(rounds=2),
        {"plan": TWO, "ben/1/subtask_2": DOWN, "replan": plan(("ana", "check the names"))},
    )

    assert "ben did not do" in played.model.prompt("main/lead/2/replan")["Note"]
    assert "main/ana/2/subtask_1" in played.steps


async def test_when_all_workers_are_lost_the_block_fails():
    played = await play(team(), {"plan": TWO, "subtask_1": DOWN, "subtask_2": DOWN})

    assert played.outcome.status == "failed"
    assert "Ana did not do" in played.error
    assert "main/lead/1/synthesis" not in played.model.calls


@pytest.mark.parametrize("purpose", ["plan", "synthesis"])
async def test_a_lost_manager_fails_the_block(purpose):
    played = await play(team(), {"plan": TWO, purpose: DOWN})

    assert played.outcome.status == "failed"
    assert "agent 'lead' got no answer: the model is down." in played.error


async def test_an_unreadable_plan_in_a_further_round_keeps_what_is_done():
    played = await play(team(rounds=2), {"plan": TWO, "replan": "enough"})

    assert played.outcome.degraded == ("The plan of lead cannot be read.",)
    assert played.result == "main/lead/1/synthesis"


def test_rules():
    lonely = design(block("hierarchical", agent("lead", "manager")))
    assert problems_of(lonely)["/blocks/0/agents"] == (
        "A hierarchical block needs 2 agents or more, and has 1."
    )
    assert set(problems_of(team(rounds=3, max_delegations=2))) == {
        "/blocks/0/settings/max_delegations"
    }
    assert set(problems_of(team(rounds=0, parallel="yes", speed=1))) == {
        "/blocks/0/settings/rounds",
        "/blocks/0/settings/parallel",
        "/blocks/0/settings/speed",
    }


@pytest.mark.parametrize("role", ["moderator", "reflector"])
def test_roles_it_has_no_place_for(role):
    document = design(block("hierarchical", agent("lead", "manager"), agent("x", role)))

    assert problems_of(document)["/blocks/0/agents/1/role"] == (
        f"A hierarchical block has no place for the role `{role}`. "
        "Use `manager`, `specialist`, `worker`."
    )
