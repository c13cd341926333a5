"""A mending makes its problem go away and adds no other: agents, roles and settings."""

from __future__ import annotations

import pytest

from designs.patterns.catalogue import check_document
from tests.designs.mending import Plant, at, check_mending, sound
from tests.graphs import agent, link, transform

PLANTS: dict[str, tuple[Plant, str]] = {
    "no agent": (lambda d: at(d, "letter").update(agents=[]), "Add 2 agents"),
    "no key for agents": (lambda d: at(d, "talk").pop("agents"), "Add 3 agents"),
    "too few agents": (lambda d: at(d, "team").update(agents=[agent("agent_2")]), "Add an agent"),
    "a judge alone": (lambda d: at(d, "talk").update(agents=[agent("j", "manager")]),
                      "Add 2 agents"),
    "too few members": (
        lambda d: at(d, "talk").update(agents=[agent("x"), agent("j", "manager")]), "Add an agent",
    ),
    "agents of a transform": (lambda d: at(d, "last").update(agents=[agent("x")]), "Remove them"),
    "impossible role": (
        lambda d: at(d, "polish")["agents"][0].update(role="manager"), "Make it a specialist",
    ),
    "impossible role of all": (
        lambda d: at(d, "polish")["agents"][1].update(role="manager"), "Make it a reflector",
    ),
    "two that aggregate": (
        lambda d: at(d, "views")["agents"].append(agent("more", "manager")), "Make more a worker",
    ),
    "too many needed": (lambda d: at(d, "views").update(settings={"require": 9}), "Use `all`"),
    "two judges": (
        lambda d: at(d, "talk")["agents"].append(agent("b", "manager", name="Bo")),
        "Make Bo a worker",
    ),
    "two routers": (
        lambda d: at(d, "desk")["agents"].append(agent("b", "moderator")), "Make b a specialist",
    ),
    "task of an approval": (lambda d: at(d, "release").update(task="Ask."), "Remove the task"),
    "similar decision": (
        lambda d: d["connections"].append(link("release", "extra", route="reject")) or
        d["blocks"].append(transform("extra")), "Use `rejected`",
    ),
    "form that is no object": (
        lambda d: at(d, "release")["settings"].update(form={"type": "array"}), "Write `object`",
    ),
    "useless limit": (
        lambda d: at(d, "desk")["settings"].update(max_routes=3), "Remove `max_routes`",
    ),
    "similar default route": (
        lambda d: at(d, "desk")["settings"].update(default_route="tech"), "Use `technical`",
    ),
    "no such default route": (
        lambda d: at(d, "desk")["settings"].update(default_route="xyz"), "",
    ),
    "similar route": (
        lambda d: d["connections"].append(link("desk", "last", route="bill")), "Use `billing`",
    ),
    "no such route": (
        lambda d: d["connections"].append(link("desk", "last", route="xyz")), "Remove the route",
    ),
    "default that chooses nothing": (
        lambda d: d["connections"].append(link("desk", "last", route="billing"))
        or at(d, "desk").update(on_error="default", default=1),
        "Fail the run instead",
    ),
    "two that review": (
        lambda d: at(d, "polish").update(settings={"mode": "review_design"}), "Remove writer",
    ),
    "unused setting": (
        lambda d: at(d, "polish").update(
            settings={"mode": "review_design", "patience": 2},
            agents=[agent("critic", "reflector")],
        ),
        "Remove `patience`",
    ),
    "no critic": (
        lambda d: at(d, "polish")["agents"][1].update(role="worker"), "Make critic a reflector",
    ),
    "two critics": (
        lambda d: at(d, "polish")["agents"][0].update(role="reflector"), "Make writer a worker",
    ),
    "empty transform": (lambda d: at(d, "last").update(settings={}), "Hand on what arrives"),
    "task of a transform": (lambda d: at(d, "last").update(task="Do it."), "Remove the task"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_one_error_is_mended(name: str) -> None:
    check_mending(*PLANTS[name])


def test_agents_that_connections_name_are_not_removed():
    document = sound()
    at(document, "polish").update(settings={"mode": "review_design"})
    document["connections"].append(link("team", "polish", target_agent="writer"))

    (problem,) = check_document(document).problems

    assert (problem.path, problem.fix) == ("/blocks/4/agents/1", None)
