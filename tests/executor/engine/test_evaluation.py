"""Expressions have one allowance per block and run, and never block the event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.meter import CHEAP_SHARE, MAX_STEPS, RUN_BLOCKS, Allowance, Heavy, Overrun
from executor.engine.evaluation import Evaluation
from executor.engine.limits import Limits
from tests.executor.engine.stage import Played, play
from tests.graphs import agent, asking, design, link, transform
from tests.virtual_time import count_turns_as_seconds

# About a quarter of what one block may compute.
DEAR = "length(map(&to_string(@), input.x))"
GIVEN = {"x": list(range(4_000))}


async def played(raw: Any, given: Any = GIVEN, **more: Any) -> tuple[Played, int]:
    """The run, and how many turns others on the loop had meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    try:
        return await play(raw, given=given, **more), turns
    finally:
        counting.cancel()


TEXT = " ".join(f"{{{{ {DEAR} }}}} {number}" for number in range(200))
WHOLE = {"id": "t", "type": "transform", "settings": {"template": TEXT}}
MANY = {
    "a text": design([WHOLE]),
    "a task": design([asking("t", task=TEXT)]),
    "prompts": design([asking("t", *(agent(f"a{n}", system_prompt=f"{{{{ {DEAR} }}}}")
                                     for n in range(10)))]),
    "conditions": design(
        [transform("t"), *(transform(f"t{n}") for n in range(150))],
        [{**link("t", f"t{n}"), "when": f"{DEAR} > `{n - 9_000}`"} for n in range(150)],
    ),
    "the output": design([transform("t")], output=TEXT),
}  # fmt: skip


@pytest.mark.parametrize("name", MANY)
async def test_all_expressions_of_a_block_have_one_budget(name: str) -> None:
    run, turns = await played(MANY[name])
    kind, sentence = run.error
    assert kind == "expression"
    assert f"takes more than {MAX_STEPS:,} steps, together with what else its block" in sentence
    assert turns > 10


@pytest.mark.parametrize(
    "raw",
    [
        design([transform("t", DEAR)]),
        design([transform("t")], output=DEAR),
        design([asking("t", task=f"{{{{ {DEAR} }}}}")]),
        design([asking("t", agent("a", system_prompt=f"{{{{ {DEAR} }}}}"))]),
        design([transform("t"), transform("u")], [link("t", "u", when=f"{DEAR} > `1`")]),
    ],
)
async def test_dear_expressions_are_computed_while_others_have_turns(raw: Any) -> None:
    run, turns = await played(raw)
    assert run.outcome.status == "completed"
    _, few = await played(raw, given={"x": [1, 2, 3]})
    assert turns > few


async def test_what_was_prepared_in_vain_fails_only_who_asks_for_it() -> None:
    evaluation = Evaluation(Allowance.of_run())
    template = Template.compile("{{ input.missing }}")
    await evaluation.prepare(template, lambda _: {"input": {}}, "a")
    assert evaluation.has(template)
    with pytest.raises(ExpressionError, match=r"input\.missing"):
        evaluation.prepared(template)


@pytest.mark.parametrize("name", ["a text", "the output", "conditions"])
async def test_limits_of_time_end_what_is_computed(name: str) -> None:
    count_turns_as_seconds()
    run, _ = await played(MANY[name], limits=Limits(seconds=8))
    assert run.outcome.status == "timed_out"


async def test_a_blocks_own_limit_ends_what_it_computes() -> None:
    count_turns_as_seconds()
    run, _ = await played(design([{**WHOLE, "timeout_seconds": 8}]))
    assert "took longer than its limit" in run.error[1]


# --- Budgets --------------------------------------------------------------------------------------


def test_what_is_computed_at_once_is_cheap_in_sum() -> None:
    evaluation = Evaluation(Allowance.of_run())
    cheap = Expression.compile("sum(input.x)")
    assert evaluation.run_if_cheap(cheap, {"input": {"x": [1, 2]}}) == 3
    names = {"input": {"x": list(range(800))}}
    count = 0
    with contextlib.suppress(Heavy):
        while evaluation.run_if_cheap(cheap, names):
            count += 1
    assert 5 < count < 50
    with pytest.raises(Heavy):
        evaluation.run_if_cheap(cheap, {"input": {"x": []}})
    assert evaluation.run_in_place(cheap, names) == 319_600


def test_what_is_computed_at_once_is_paid_by_run_and_block() -> None:
    run = Allowance.of_run()
    evaluation = Evaluation(run)
    dear = Expression.compile(DEAR)
    names = {"input": {"x": list(range(800))}}
    at_first = run.steps
    with contextlib.suppress(Heavy):
        while evaluation.run_if_cheap(dear, names):
            continue
    paid = at_first - run.steps
    assert 0 < paid <= MAX_STEPS // CHEAP_SHARE

    def spend() -> None:
        while run.steps > at_first - 2 * MAX_STEPS:
            evaluation.run_in_place(dear, {"input": GIVEN})

    with pytest.raises(ExpressionError, match="what else its block computes"):
        spend()
    assert run.steps >= at_first - MAX_STEPS


def test_nothing_is_computed_at_once_when_the_run_has_less_left() -> None:
    run = Allowance.of_run()
    run.steps = 100
    evaluation = Evaluation(run)
    cheap = Expression.compile("sum(input.x)")
    with pytest.raises(Heavy):
        evaluation.run_if_cheap(cheap, {"input": {"x": [1, 2]}})
    assert evaluation.run_in_place(cheap, {"input": {"x": [1, 2]}}) == 3
    with pytest.raises(ExpressionError, match="what else its run computes"):
        evaluation.run_in_place(cheap, {"input": {"x": list(range(4_000))}})


def test_a_run_pays_for_its_blocks() -> None:
    run = Allowance.of_run()
    for _ in range(RUN_BLOCKS):
        block = run.of_block()
        meter = block.meter()
        meter.step(MAX_STEPS)
        block.pay(meter)
        with pytest.raises(Overrun, match="what else its block computes"):
            block.meter().step(1)
    with pytest.raises(Overrun, match="10,000,000 steps, together with what else its run computes"):
        run.of_block().meter().step(1)


def test_what_is_refused_is_not_paid() -> None:
    block = Allowance.of_run().of_block()
    meter = block.meter()
    with pytest.raises(Overrun):
        meter.make(10**9)
    block.pay(meter)
    block.meter().step(MAX_STEPS)
