"""No run makes more calls than the bound of its design says, whatever models answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from designs.graph.bounds import BlockBound, Bound, bound_of
from designs.patterns.catalogue import PALETTE, check_document
from tests.designs.random_designs import AnyDecision, Anything, designs
from tests.graphs import Json, agent, asking, chain, design, examples, link, transform
from tests.scripted import NAME, Played, play


@dataclass(frozen=True)
class Flat:
    """Each call costs the same, and each token of an answer."""

    call: Decimal = Decimal(0)
    token: Decimal = Decimal(0)

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        return self.call + self.token * output_tokens


def bound(document: Json, price_of: Any = lambda name: Flat(Decimal(1))) -> Bound:
    graph = check_document(document).graph
    assert graph is not None
    return bound_of(graph, PALETTE, (NAME,), price_of)


def run(document: Json, seed: int, failing: float) -> Played:
    script, decided = Anything(seed, failing=failing), AnyDecision(seed)
    return asyncio.run(play(document, script, given={"a": 1}, seed=seed, decisions=decided))


@examples(300)
@given(designs(), st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.4]))
def test_no_run_makes_more_calls(document: Json, seed: int, failing: float) -> None:
    assume(not check_document(document).problems)
    told = bound(document)

    calls = run(document, seed, failing).model.calls

    event(f"{len(document['blocks'])} blocks, {min(len(set(calls)), 10)} calls")
    assert len(set(calls)) <= told.calls
    assert len(calls) <= told.calls_with_retries
    assert told.cost_usd == told.calls


@pytest.mark.parametrize(
    ("kind", "agents", "settings", "calls"),
    [
        ("sequential", 3, {}, 3),
        ("parallel", 3, {}, 3),
        ("hierarchical", 3, {}, 1 + 4 + 1),
        ("hierarchical", 3, {"rounds": 2, "max_delegations": 5}, 2 + 5 + 1),
        ("debate", 3, {"rounds": 2, "judge": "vote"}, 3 * 3),
        ("routing", 4, {}, 2),
        ("routing", 4, {"mode": "multi", "max_routes": 2}, 3),
        ("reflection", 1, {"max_rounds": 4}, 8),
        ("reflection", 1, {"mode": "review_design"}, 1),
    ],
)
def test_each_pattern_counts_its_own_questions(kind, agents, settings, calls):
    team = [agent(f"a{n}") for n in range(agents)]

    assert bound(design([asking("a", *team, kind=kind, settings=settings)])).calls == calls


def test_the_bound_is_reached():
    debate = asking("a", "x", "y", kind="debate", settings={"stop_on_agreement": False})
    document = design([debate, asking("b", "x")], chain("a", "b"))

    assert len(run(document, 1, 0.0).model.calls) == bound(document).calls == 2 * 3 + 1


def router(name: str, **settings: Any) -> Json:
    return asking(name, agent("router", "moderator"), kind="routing", settings=settings)


def test_of_routes_that_exclude_each_other_the_dearest_counts():
    team = [asking("left", "x", "y", "z"), asking("right", "x"), asking("end", "x")]
    ways = [link("r", "left"), link("r", "right"), link("left", "end"), link("right", "end")]

    assert bound(design([router("r"), *team], ways)).calls == 1 + 3 + 1
    both = router("r", mode="multi", max_routes=2)
    assert bound(design([both, *team], ways)).calls == 1 + 3 + 1 + 1


def test_a_router_behind_a_router_leaves_out_its_own():
    blocks = [router("r"), router("inner"), asking("one", "x", "y"), asking("two", "x"),
              asking("other", "x", "y")]  # fmt: skip
    ways = [link("r", "inner"), link("r", "other"), link("inner", "one"), link("inner", "two")]

    assert bound(design(blocks, ways)).calls == 1 + max(1 + max(2, 1), 2)


def test_a_block_that_other_ways_lead_to_counts_as_well():
    blocks = [router("r"), transform("t"), asking("left", "x"), asking("right", "x")]
    ways = [link("r", "left"), link("r", "right"), link("t", "right")]

    assert bound(design(blocks, ways)).calls == 3


def test_tokens_are_known_only_if_every_answer_has_a_limit():
    short, shorter = agent("a", max_output_tokens=50), agent("b", max_output_tokens=20)

    assert bound(design([asking("x", short, shorter)])).tokens_out == 70
    assert bound(design([asking("x", short, agent("b"))])).tokens_out is None
    # Any worker may get all subtasks.
    led = asking("x", agent("m", "manager", max_output_tokens=1), short, shorter,
                 kind="hierarchical")  # fmt: skip
    assert bound(design([led])).tokens_out == 1 + 4 * 50 + 1
    assert bound(design([transform("t")])) == Bound(0, 0, 0, Decimal(0), ())


def test_the_first_model_of_a_chain_is_counted_and_unknown_prices_are_named():
    prices = {"dear:model": Flat(token=Decimal(2)), "cheap:model": Flat(token=Decimal(1))}
    dear, free = agent("a", model=["dear:model", "odd:model"], max_output_tokens=10), agent("b")
    document = design([asking("x", dear, free)], model="cheap:model")

    told = bound(document, prices.get)
    assert told.cost_usd == 2 * 10 + 1_000
    assert told.calls_with_retries == 2 * (2 + 2) + (2 + 2)
    unknown = bound({**document, "model": ["odd:model", "cheap:model"]}, prices.get)
    assert (unknown.cost_usd, unknown.unpriced) == (None, ("odd:model",))


def test_blocks_have_bounds_of_their_own():
    short, dear = agent("a", max_output_tokens=5), agent("b", model="odd:model")
    blocks = [asking("x", short, short | {"id": "c"}), asking("y", dear), transform("z")]

    told = bound(design(blocks), {NAME: Flat(Decimal(1))}.get)

    assert told.blocks == {"x": BlockBound(2, 10, Decimal(2)), "y": BlockBound(1, None, None)}
    assert (told.tokens_out, told.cost_usd) == (None, None)


def test_hostile_graphs_are_bounded_in_a_bounded_number_of_steps():
    names = [f"r{n}" for n in range(60)]
    ways = [link(a, b) for n, a in enumerate(names) for b in names[n + 1 :]]
    told = bound(design([*map(router, names), asking("end", "x")], [*ways, link("r59", "end")]))

    assert told.calls <= 61
