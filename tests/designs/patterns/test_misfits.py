"""An answer that does not fit even after its correction is recorded, and read for what is valid."""

from __future__ import annotations

from executor.engine.events import StepFailed, StepFinished
from tests.designs.patterns.test_hierarchical import TWO, plan, team
from tests.scripted import play, tries

STRANGER = plan(("ana", "count the words"), ("carl", "read it aloud"))
PLAN = "main/lead/1/plan"


def chain():
    return {**team(), "model": ["first:model", "second:model"]}


async def test_both_tries_are_told_and_paid_for_and_the_step_ends_well():
    played = await play(team(), {"plan": STRANGER})

    failed = [event for event in played.events if isinstance(event, StepFailed)]
    assert [(event.key, event.final) for event in failed] == [(PLAN, False), (PLAN, False)]
    finished = [event.step for event in played.events if isinstance(event, StepFinished)]
    assert finished[0].key == PLAN
    assert (finished[0].tries, finished[0].input_tokens) == (2, 20)
    assert finished[0].output == STRANGER


async def test_another_model_of_the_chain_is_asked_before_a_misfit_is_taken():
    played = await play(chain(), {"plan": tries(STRANGER, STRANGER, TWO)})

    assert played.outcome.degraded == ()
    assert played.steps[PLAN].tries == 3


async def test_the_last_models_misfit_is_taken():
    played = await play(chain(), {"plan": STRANGER})

    assert len(played.outcome.degraded) == 1
    assert played.steps[PLAN].tries == 4


async def test_what_is_no_json_is_recorded_as_text_without_a_value():
    played = await play(team(rounds=2), {"plan": TWO, "replan": "That is enough."})

    step = played.steps["main/lead/2/replan"]
    assert (step.text, step.output) == ("That is enough.", None)
