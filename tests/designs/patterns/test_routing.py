"""Routing: to specialists of the block, or along the connections that leave it."""

from __future__ import annotations

import pytest

from executor.engine.results import NO_RESULT
from tests.scripted import agent, block, design, play, problems_of


def desks(*names, connections=(), blocks=(), **settings):
    """A router with specialists."""
    specialists = [agent(name, "specialist") for name in names or ("billing", "technical")]
    main = block("routing", agent("router", "moderator"), *specialists, settings=settings)
    return design(main, *blocks, connections=list(connections))


def note(name):
    return {"id": name, "type": "transform", "settings": {"expression": "incoming"}}


def way(name, target, **more):
    return {"id": name, "source": "main", "target": target, **more}


def branches(*connections, on_error="fail", **settings):
    """A router alone, with outgoing connections."""
    names = dict.fromkeys(connection["target"] for connection in connections)
    main = block("routing", agent("router", "moderator"), settings=settings, on_error=on_error)
    return design(main, *map(note, names), connections=list(connections))


def choice(route):
    return {"reason": "It fits.", "route": route}


def choices(*routes):
    return {"reason": "They fit.", "routes": list(routes)}


async def test_the_chosen_specialist_alone_answers():
    played = await play(desks(), {"route": choice("technical"), "technical/answer": "Restart it."})

    assert played.result == "Restart it."
    assert played.model.calls == ["main/router/1/route", "main/technical/1/answer"]
    assert played.outcome.degraded == ()


async def test_the_router_is_told_what_the_specialists_are_for():
    played = await play(desks(), {"route": choice("billing")})

    assert played.model.prompt("main/router/1/route")["Routes"] == {
        "billing": "billing. You are billing.",
        "technical": "technical. You are technical.",
    }
    schema = played.model.requests["main/router/1/route"].schema
    assert schema["properties"]["route"]["enum"] == ["billing", "technical"]


async def test_without_a_moderator_the_first_agent_routes():
    document = design(block("routing", agent("one"), agent("two"), agent("three")))

    played = await play(document, {"one/route": choice("three")})

    assert played.result == "main/three/1/answer"


async def test_several_specialists_answer_at_the_same_time_by_id_in_the_documents_order():
    document = desks("a", "b", "c", mode="multi", max_routes=2)

    played = await play(document, {"route": choices("c", "a"), "a/answer": "A", "c/answer": "C"})

    assert played.result == {"a": "A", "c": "C"}
    assert list(played.result) == ["a", "c"]
    assert played.model.most_busy == 2


async def test_with_multi_one_answer_is_an_object_too():
    played = await play(desks(mode="multi"), {"route": choices("billing"), "answer": "Paid."})

    assert played.result == {"billing": "Paid."}
    routes = played.model.requests["main/router/1/route"].schema["properties"]["routes"]
    assert routes["maxItems"] == 1


async def test_a_connection_named_after_a_specialist_is_taken_with_it_others_always():
    document = desks(
        connections=[way("c1", "archive"), way("c2", "ledger", route="billing"),
                     way("c3", "workshop", route="technical")],
        blocks=[note("archive"), note("ledger"), note("workshop")],
    )  # fmt: skip

    played = await play(document, {"route": choice("billing"), "billing/answer": "Paid."})

    assert played.result == {"archive": "Paid.", "ledger": "Paid."}


async def test_without_specialists_only_the_chosen_connections_are_taken():
    document = branches(
        way("c1", "sales"), way("c2", "repair"), way("c3", "archive", route="sales")
    )

    played = await play(document, {"route": choice("sales")}, given={"text": "A new one"})

    routed = {"input": {"text": "A new one"}, "route": "sales", "reason": "It fits."}
    assert played.result == {"sales": routed, "archive": routed}
    schema = played.model.requests["main/router/1/route"].schema
    assert schema["properties"]["route"]["enum"] == ["sales", "repair"]


async def test_several_connections_may_be_chosen():
    document = branches(way("c1", "a"), way("c2", "b"), way("c3", "c"), mode="multi", max_routes=2)

    played = await play(document, {"route": choices("c", "a")})

    assert list(played.result) == ["a", "c"]
    assert played.result["a"]["route"] == ["a", "c"]


async def test_what_came_in_is_what_goes_on():
    document = branches(way("c1", "sales"), way("c2", "repair"))
    document["blocks"].append(
        {"id": "before", "type": "transform", "settings": {"expression": "'hello'"}}
    )
    document["connections"].append({"id": "c0", "source": "before", "target": "main"})

    played = await play(document, {"route": choice("repair")}, given={"text": "x"})

    assert played.result["repair"]["input"] == "hello"
    assert played.model.prompt("main/router/1/route")["From before"] == "hello"


async def test_the_router_is_told_what_lies_behind_each_connection():
    document = branches(way("c1", "sales"), way("c2", "repair"))
    document["blocks"][1]["label"] = "Sales desk"

    played = await play(document, {"route": choice("sales")})

    assert played.model.prompt("main/router/1/route")["Routes"] == {
        "sales": "Sales desk.",
        "repair": "repair.",
    }


async def test_a_chosen_connection_still_has_its_condition():
    document = branches(way("c1", "sales", when="input.open"), way("c2", "repair"))

    played = await play(document, {"route": choice("sales")}, given={"open": False})

    assert played.outcome.block_outputs.keys() == {"main"}
    assert played.result is None
    assert played.outcome.degraded == (NO_RESULT,)


def test_rules():
    two = (way("c1", "sales"), way("c2", "repair"))
    settings = "/blocks/0/settings"
    assert set(problems_of(desks(max_routes=2))) == {f"{settings}/max_routes"}
    assert (
        "`billing`, `technical`"
        in problems_of(desks(default_route="sales"))[f"{settings}/default_route"]
    )
    assert (
        "`sales`, `repair`"
        in problems_of(branches(*two, default_route="main"))[f"{settings}/default_route"]
    )
    assert set(problems_of(branches())) == {"/blocks/0/agents"}
    nobody = design(block("routing"))
    assert problems_of(nobody) == {
        "/blocks/0/agents": "A routing block needs 1 agent or more, and has none."
    }
    named = desks(connections=[way("c1", "a", route="sales")], blocks=[note("a")])
    assert set(problems_of(named)) == {"/connections/0/route"}
    with_default = branches(*two, on_error="default")
    with_default["blocks"][0]["default"] = "x"
    assert set(problems_of(with_default)) == {"/blocks/0/on_error"}


@pytest.mark.parametrize(("role", "known"), [("moderator", True), ("reflector", False)])
def test_roles_it_has_no_place_for(role, known):
    document = design(block("routing", agent("router", "moderator"), agent("x", role)))

    message = problems_of(document)["/blocks/0/agents/1/role"]
    assert ("`router` routes already" in message) is known
