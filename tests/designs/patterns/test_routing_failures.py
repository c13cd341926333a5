"""Routing, when it goes wrong: choices that do not exist, too many, and lost agents."""

from __future__ import annotations

import pytest

from tests.designs.patterns.test_routing import branches, choice, choices, desks, note, way
from tests.scripted import DOWN, play, tries

TWO = (way("c1", "sales"), way("c2", "repair"))


async def test_an_unknown_route_is_corrected_once_with_all_valid_names():
    played = await play(desks(), {"route": tries(choice("sales"), choice("billing"))})

    correction = played.model.prompt("main/router/1/route")["Correction"]
    assert '"sales" is not one of "billing", "technical"' in correction
    assert played.result == "main/billing/1/answer"
    assert played.outcome.degraded == ()


@pytest.mark.parametrize("document", [desks(), desks(mode="multi")])
@pytest.mark.parametrize(
    ("bad", "did"),
    [
        ("technical", 'gave an answer that could not be read as JSON (it begins with "technical")'),
        ("I choose.", 'gave an answer that could not be read as JSON (it begins with "I choose.")'),
        ('"technical"', "named no route"),
        ('{"reason": "x"}', "named no route"),
        ('{"route": 5}', "named no route"),
    ],
)
async def test_without_a_valid_choice_the_block_fails_and_names_the_routes(document, bad, did):
    played = await play(document, {"route": bad})

    assert played.outcome.status == "failed"
    assert f"router {did}. The valid routes are `billing`, `technical`." in played.error
    assert "answer" not in "".join(played.model.calls)


async def test_an_unknown_choice_is_named_in_the_failure():
    played = await play(branches(*TWO), {"route": choice("Sales")})

    assert "router chose “Sales”. The valid routes are `sales`, `repair`." in played.error


async def test_the_default_route_is_taken_instead_and_said():
    played = await play(
        desks(default_route="technical"), {"route": choice("sales"), "answer": "Restart it."}
    )

    assert played.result == "Restart it."
    assert played.outcome.degraded == (
        "router chose “sales”; the default route `technical` was taken.",
    )


async def test_the_default_route_may_be_a_connections():
    played = await play(branches(*TWO, default_route="repair"), {"route": "repair or sales"})

    assert list(played.result) == ["repair"]
    assert "the default route `repair` was taken" in played.result["repair"]["reason"]


async def test_of_several_the_valid_ones_are_taken_and_the_others_named():
    document = desks("a", "b", "c", mode="multi", max_routes=3)

    played = await play(document, {"route": choices("b", "x", "b", "a", "y")})

    assert list(played.result) == ["a", "b"]
    assert played.outcome.degraded == ("router chose routes that do not exist: “x”, “y”.",)


async def test_of_too_many_the_first_named_are_taken():
    document = desks("a", "b", "c", mode="multi", max_routes=2)

    played = await play(document, {"route": choices("c", "b", "a")})

    assert list(played.result) == ["b", "c"]
    assert played.outcome.degraded == ("router may choose 2; left out: `a`.",)


async def test_a_lost_router_fails_the_block_whatever_the_default_route():
    played = await play(desks(default_route="billing"), {"route": DOWN})

    assert "agent 'router' got no answer: the model is down." in played.error


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        ({}, choice("billing")),
        ({"mode": "multi", "max_routes": 2}, choices("billing", "technical")),
    ],
)
async def test_a_lost_specialist_fails_the_block(settings, chosen):
    played = await play(desks(**settings), {"route": chosen, "billing/answer": DOWN})

    assert played.outcome.status == "failed"
    assert "agent 'billing' got no answer" in played.error


async def test_a_failed_router_that_may_fail_takes_no_route():
    document = branches(*TWO, on_error="continue")

    played = await play(document, {"route": "?"})

    assert played.outcome.status == "completed"
    assert played.outcome.block_outputs == {}
    assert "The valid routes are" in played.outcome.degraded[0]


async def test_a_specialist_that_was_not_picked_delivers_nothing():
    document = desks(
        connections=[way("c1", "paid", source_agent="billing"),
                     way("c2", "fixed", source_agent="technical")],
        blocks=[note("paid"), note("fixed")],
    )  # fmt: skip

    played = await play(document, {"route": choice("technical")})

    assert played.result == {"fixed": "main/technical/1/answer"}
