"""Every pattern goes on from any prefix of its journal, whoever answers first."""

from __future__ import annotations

import pytest

from tests.approving import Everybody
from tests.designs.patterns.test_approval import branching
from tests.designs.patterns.test_debate import SPEECHES, debate, three
from tests.designs.patterns.test_debate_failures import trio
from tests.designs.patterns.test_hierarchical import TWO, plan, team
from tests.designs.patterns.test_refine import pair, scored
from tests.designs.patterns.test_review_design import answer, reviewed, suggestion
from tests.designs.patterns.test_routing import branches, choices, desks, way
from tests.scripted import DOWN, agent, block, design, play

LOST = {"ana/answer": lambda request: DOWN if ":each[1]>" in request.call_key else "fine"}
DEBATE = debate()["blocks"][0]


def each_block(inner=None):
    step = inner or block("sequential", agent("ana"), agent("ben"))
    settings = {"items": "`[1, 2, 3]`", "block": step, "on_item_error": "keep"}
    return {"id": "each", "type": "map", "settings": settings}


def again_block():
    settings = {"until": "round == `2`", "block": block("sequential", agent("ana"))}
    return {"id": "again", "type": "loop", "settings": settings}


def each(inner=None):
    return design(each_block(inner))


def again():
    return design(again_block())


AGREED = {"answer": "x", "agrees": True}
VOTES = {"vote": {"reason": "r", "winner": "mid"}, "pro/vote": {"reason": "r", "winner": "me"}}
WAYS = (way("c1", "a"), way("c2", "b"), way("c3", "c"))

CASES = {
    "sequential": (design(block("sequential", agent("a"), agent("b"), agent("c"))), {}),
    "parallel": (design(block("parallel", agent("a"), agent("b"), agent("c", "manager"))), {}),
    "hierarchical": (team(rounds=2), {"plan": TWO, "replan": plan(("ana", "a"), ("ben", "b"))}),
    "hierarchical, in turn": (team(parallel=False), {"plan": TWO}),
    "hierarchical, stranger": (team(), {"plan": plan(("ana", "count"), ("carl", "read"))}),
    "hierarchical, lost worker": (team(), {"plan": TWO, "ben/subtask_2": DOWN}),
    "debate": (debate(), SPEECHES),
    "debate, agreed": (debate(), {**SPEECHES, "pro/2/reply": AGREED, "con/2/reply": AGREED}),
    "debate, forfeits": (trio(), {**SPEECHES, "reply": AGREED, "mid/2/reply": "what?"}),
    "debate, lost debater": (trio(), {**SPEECHES, "reply": AGREED, "mid/3/reply": DOWN}),
    "debate, vote": (three(rounds=2), VOTES),
    "routing": (desks("a", "b", "c", mode="multi", max_routes=3), {"route": choices("c", "a")}),
    "routing, default": (desks(default_route="billing"), {"route": "the one for money"}),
    "routing, connections": (branches(*WAYS, mode="multi"), {"route": choices("b", "x")}),
    "reflection": (pair(patience=3), scored(20, 70, 30)),
    "reflection, no score": (pair(), {**scored(60), "critic/2/critique": "good"}),
    "map": (each(), LOST),
    "map of debates": (each(DEBATE), SPEECHES),
    "loop": (again(), {}),
    "loop in a map in a map": (each(each_block(again_block())), {}),
    "approval": (branching(question="Go on?"), {}),
    "review of the design": (reviewed(), answer(suggestion("first/ana"), suggestion("x/y"))),
}
GIVEN = {"word": "hello"}
DECIDED = Everybody()


@pytest.mark.parametrize("name", CASES)
async def test_from_every_prefix_of_the_journal_nothing_is_asked_twice(name):
    document, script = CASES[name]
    whole = await play(document, script, given=GIVEN, decisions=DECIDED)
    assert whole.outcome.status == "completed"
    asks = {key: step for key, step in whole.steps.items() if step.model is not None}
    done = {key for key, step in asks.items() if step.status == "completed"}
    lost = asks.keys() - done
    assert asks.keys() == set(whole.model.calls)

    for length in range(len(whole.steps) + 1):
        kept = dict(list(whole.steps.items())[:length])
        again = await play(document, script, given=GIVEN, decisions=DECIDED, steps=kept)

        asked = set(again.model.calls)
        assert not asked & done & kept.keys()
        assert asked | done & kept.keys() == done | lost
        assert again.result == whole.result
        assert again.outcome.degraded == whole.outcome.degraded
        # A failed step is asked again, and what it used before counts on.
        more = sum(kept[key].tries for key in lost & kept.keys())
        assert again.outcome.usage.model_calls == whole.outcome.usage.model_calls + more
        assert sum(step.tries for key, step in again.steps.items() if key in asks) == (
            again.outcome.usage.model_calls
        )


@pytest.mark.parametrize("name", CASES)
async def test_the_order_in_which_answers_come_changes_nothing(name):
    document, script = CASES[name]
    whole = await play(document, script, given=GIVEN, decisions=DECIDED)

    for seed in range(12):
        other = await play(document, script, given=GIVEN, decisions=DECIDED, seed=seed)

        assert other.result == whole.result
        assert other.outcome.block_outputs == whole.outcome.block_outputs
        assert other.outcome.degraded == whole.outcome.degraded
        prompts = {key: step.prompt for key, step in other.steps.items()}
        assert prompts == {key: step.prompt for key, step in whole.steps.items()}


async def test_answers_do_come_in_another_order_in_these_tests():
    document, script = CASES["parallel"]

    runs = [await play(document, script, seed=seed) for seed in range(12)]

    assert len({tuple(run.steps) for run in runs}) > 1


@pytest.mark.parametrize("name", CASES)
async def test_each_step_is_asked_once_or_once_more_to_correct_it(name):
    document, script = CASES[name]
    whole = await play(document, script, given=GIVEN, decisions=DECIDED)

    for key in set(whole.model.calls):
        assert whole.model.calls.count(key) <= 2
        if key in whole.steps:
            assert whole.steps[key].tries == whole.model.calls.count(key)
