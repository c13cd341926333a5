"""Hierarchical: the manager plans for named workers, they work, the manager puts it together."""

from __future__ import annotations

import pytest

from tests.scripted import agent, block, design, play


def team(**settings):
    return design(
        block(
            "hierarchical",
            agent("lead", "manager"),
            agent("ana", name="Ana"),
            agent("ben", "specialist"),
            settings=settings,
        )
    )


def plan(*subtasks):
    return {"subtasks": [{"worker": worker, "task": task} for worker, task in subtasks]}


TWO = plan(("ana", "count the words"), ("ben", "check the names"))


async def test_workers_do_what_the_manager_planned_and_it_puts_their_results_together():
    played = await play(
        team(), {"plan": TWO, "ana/subtask_1": "Seven.", "ben/subtask_2": "All right.",
                 "synthesis": "Seven words, names right."}
    )  # fmt: skip

    assert played.result == "Seven words, names right."
    assert played.outcome.degraded == ()
    assert list(played.steps) == [
        "main/lead/1/plan", "main/ana/1/subtask_1", "main/ben/1/subtask_2", "main/lead/1/synthesis",
    ]  # fmt: skip
    assert played.model.prompt("main/ana/1/subtask_1") == {
        "Task": "Do it.",
        "Your subtask": "count the words",
    }
    told = played.model.prompt("main/lead/1/synthesis")
    assert told["Result of Ana for “count the words”"] == "Seven."
    assert told["Result of ben for “check the names”"] == "All right."


async def test_the_manager_is_told_who_its_workers_are_and_may_name_no_other():
    played = await play(team(), {"plan": TWO})

    asked = played.model.requests["main/lead/1/plan"]
    worker = asked.schema["properties"]["subtasks"]["items"]["properties"]["worker"]
    assert worker == {"type": "string", "enum": ["ana", "ben"]}
    assert played.model.prompt("main/lead/1/plan")["Workers"] == {
        "ana": "Ana. You are ana.",
        "ben": "ben. You are ben.",
    }


async def test_without_a_manager_the_first_agent_plans():
    document = design(block("hierarchical", agent("one"), agent("two"), agent("three")))

    played = await play(document, {"one/plan": plan(("two", "a"), ("three", "b"))})

    assert played.result == "main/one/1/synthesis"
    assert "main/two/1/subtask_1" in played.steps


@pytest.mark.parametrize(("parallel", "most_busy"), [(True, 2), (False, 1)])
async def test_workers_work_at_the_same_time_or_in_turn(parallel, most_busy):
    played = await play(team(parallel=parallel), {"plan": TWO})

    assert played.model.most_busy == most_busy


async def test_in_turn_a_worker_sees_the_results_before_its_own():
    played = await play(team(parallel=False), {"plan": TWO, "ana/subtask_1": "Seven."})

    seen = played.model.prompt("main/ben/1/subtask_2")
    assert seen["Result of Ana for “count the words”"] == "Seven."


async def test_one_worker_may_get_several_subtasks():
    played = await play(team(), {"plan": plan(("ana", "first"), ("ana", "second"))})

    assert {"main/ana/1/subtask_1", "main/ana/1/subtask_2"} <= set(played.steps)


async def test_in_a_further_round_the_manager_delegates_again_and_sees_the_results():
    played = await play(
        team(rounds=3),
        {"plan": TWO, "replan": plan(("ben", "look again")), "lead/3/replan": {"subtasks": []},
         "ben/2/subtask_1": "Looked again."},
    )  # fmt: skip

    assert played.result == "main/lead/1/synthesis"
    assert "Result of Ana for “count the words”" in played.model.prompt("main/lead/2/replan")
    assert "main/ben/2/subtask_1" in played.steps
    told = played.model.prompt("main/lead/1/synthesis")
    assert told["Result of ben for “look again”"] == "Looked again."
    assert played.outcome.degraded == ()


async def test_an_empty_plan_in_a_further_round_ends_the_delegating():
    played = await play(team(rounds=5), {"plan": TWO, "replan": {"subtasks": []}})

    assert [key for key in played.model.calls if "plan" in key] == [
        "main/lead/1/plan",
        "main/lead/2/replan",
    ]


async def test_no_more_is_delegated_than_allowed_over_all_rounds():
    played = await play(
        team(rounds=3, max_delegations=3), {"plan": TWO, "replan": plan(("ana", "third"))}
    )

    assert sum("subtask" in key for key in played.steps) == 3
    again = played.model.requests["main/lead/2/replan"].schema["properties"]["subtasks"]
    assert (again["minItems"], again["maxItems"]) == (0, 1)
    assert "main/lead/3/replan" not in played.steps


async def test_a_workers_results_go_along_its_agent_connections():
    document = team()
    document["blocks"] += [
        {"id": "of_ana", "type": "transform", "settings": {"expression": "incoming"}},
        {"id": "of_ben", "type": "transform", "settings": {"expression": "incoming"}},
    ]
    document["connections"] = [
        {"id": "a", "source": "main", "source_agent": "ana", "target": "of_ana"},
        {"id": "b", "source": "main", "source_agent": "ben", "target": "of_ben"},
    ]

    played = await play(
        document,
        {"plan": plan(("ana", "x"), ("ana", "y")), "subtask_1": "one", "subtask_2": "two"},
    )

    assert played.result == {"of_ana": "one\n\ntwo"}
