"""A mending makes its problem go away and adds no other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from designs.patterns.catalogue import check_document
from tests.graphs import Json, agent, asking, chain, design, link, transform
from tests.json_patch import patched


def sound() -> Json:
    """A design without problems that uses everything."""
    desk = asking(
        "desk",
        agent("router", "moderator"), agent("billing", "specialist"),
        agent("technical", "specialist"),
        kind="routing", settings={"default_route": "technical"}, on_error="continue",
    )  # fmt: skip
    blocks = [
        desk,
        asking("views", "one", "two", agent("head", "moderator"), kind="parallel",
               settings={"require": 2}),
        asking("team", agent("lead", "manager"), "one", "two", kind="hierarchical"),
        asking("talk", "one", "two", agent("judge", "moderator"), kind="debate"),
        asking("polish", "writer", agent("critic", "reflector"), kind="reflection"),
        asking("letter", task="Write {{ blocks.desk.output }} on {{ execution.id }} by {{input.a}}",
               retries=3, on_error="default", default="none"),
        transform("last", "blocks.letter.output"),
    ]  # fmt: skip
    names = [block["id"] for block in blocks]
    return design(blocks, chain(*names), input_schema={"type": "object"}, output="blocks.last")


def at(document: Json, block: str) -> Json:
    return next(found for found in document["blocks"] if found["id"] == block)


Plant = Callable[[Json], object]
PLANTS: dict[str, tuple[Plant, str]] = {
    "unknown key": (lambda d: at(d, "views").update(surprise={"a": 1}), "Remove `surprise`"),
    "key with a slash": (lambda d: d.update({"a/~b": 1}), "Remove `a/~b`"),
    "very long key": (lambda d: d.update({"k" * 300: 1}), f"Remove `{'k' * 80}…`"),
    "misspelled key": (
        lambda d: at(d, "letter").update(retrys=at(d, "letter").pop("retries")),
        "Rename it to `retries`",
    ),
    "misspelled setting": (
        lambda d: at(d, "views").update(settings={"requir": 2}), "Rename it to `require`",
    ),
    "too high": (lambda d: at(d, "letter").update(retries=99), "Use `10`"),
    "too low": (lambda d: at(d, "talk").update(settings={"rounds": 0}), "Use `1`"),
    "number in quotes": (lambda d: at(d, "letter").update(retries=" 4"), "Use `4`"),
    "decimal": (lambda d: at(d, "letter").update(retries=4.0), "Use `4`"),
    "time in quotes": (lambda d: at(d, "desk").update(timeout_seconds="1.5"), "Use `1.5`"),
    "yes in quotes": (
        lambda d: at(d, "team").update(settings={"parallel": "False"}), "Use `false`",
    ),
    "misspelled choice": (lambda d: at(d, "desk").update(on_error="contineu"), "Use `continue`"),
    "doubled block": (
        lambda d: d["blocks"].append(transform("b")) or d["blocks"].append(transform("b")),
        "Rename it to `b_2`",
    ),
    "doubled agent": (
        lambda d: at(d, "views")["agents"].insert(2, agent("one")), "Rename it to `one_2`",
    ),
    "doubled id": (
        lambda d: d["connections"].append({**link("desk", "last"), "id": "desk_views"}),
        "Rename it to `desk_views_2`",
    ),
    "dangling": (lambda d: d["connections"].append(link("desk", "zzz")), "Remove this connection"),
    "dangling at both ends": (
        lambda d: d["connections"].append({**link("q", "zzz"), "source": "desk_"}),
        "Remove this connection",
    ),
    "misspelled target": (lambda d: d["connections"].append(link("desk", "taem")), "Use `team`"),
    "misspelled, but a circle": (
        lambda d: d["connections"].append(link("letter", "taem")), "Remove this connection",
    ),
    "misspelled, but the same": (
        lambda d: d["connections"].append(link("desk", "veiws")), "Remove this connection",
    ),
    "doubled connection": (
        lambda d: d["connections"].append({**link("desk", "views"), "id": "again"}),
        "Remove this connection",
    ),
    "to itself": (lambda d: d["connections"].append(link("desk", "desk")),
                  "Remove this connection"),
    "misspelled agent": (
        lambda d: d["connections"].append(link("views", "last", source_agent="tow")), "Use `two`",
    ),
    "no such agent": (
        lambda d: d["connections"].append(link("views", "last", source_agent="xyz")),
        "Connect the whole block",
    ),
    "no such agent, doubled": (
        lambda d: d["connections"].append({**link("desk", "views"), "id": "x",
                                           "source_agent": "xyz"}),
        "",
    ),
    "route nobody chooses": (
        lambda d: d["connections"].append(link("views", "last", route="x")), "Remove the route",
    ),
    "unused default": (lambda d: at(d, "views").update(default=1), "Remove the default"),
    "misspelled type": (lambda d: at(d, "views").update(type="paralel"), "Use `parallel`"),
    "no such type": (lambda d: at(d, "views").update(type="xyz"), ""),
    "later type": (lambda d: at(d, "views").update(type="http"), ""),
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
    "input of another type": (
        lambda d: d.update(input_schema={"type": "string"}), "Write `object`",
    ),
    "misspelled name": (
        lambda d: at(d, "letter").update(task="An inputt: {{ inputt.a }}, {{inputt.b.inputt}}"),
        "Use `input`",
    ),
    "misspelled blocks": (
        lambda d: at(d, "last").update(settings={"expression": "{block: block.letter.output}"}),
        "Use `blocks`",
    ),
    "misspelled block": (
        lambda d: at(d, "last").update(settings={"expression": "[blocks.leter.output, 'leter']"}),
        "Use `letter`",
    ),
    "misspelled block downstream": (
        lambda d: at(d, "views").update(task="{{ blocks.leter.output }}"), "",
    ),
    "misspelled fact": (
        lambda d: at(d, "letter").update(task="{{ execution.started }}"), "Use `started_at`",
    ),
    "misspelled in the result": (lambda d: d.update(output="blocks.lst.output"), "Use `last`"),
    "misspelled in a condition": (
        lambda d: d["connections"][0].update(when="inptu.a > `1`"), "Use `input`",
    ),
    "one of two misspelled": (
        lambda d: at(d, "letter").update(task="{{ input.a }} {{ join('', [inputs, input.b]) }}"),
        "Use `input`",
    ),
}  # fmt: skip


def test_there_is_no_problem_before():
    assert check_document(sound()).problems == ()


@pytest.mark.parametrize("name", PLANTS)
def test_one_error_is_mended(name: str) -> None:
    plant, label = PLANTS[name]
    document = sound()
    plant(document)
    before = copy.deepcopy(document)

    problems = check_document(document).problems

    assert problems
    if not label:
        assert [problem.fix for problem in problems] == [None] * len(problems)
        return
    mended: Any = document
    for problem in problems:
        assert problem.fix is not None, problem
        assert problem.fix.label == label
        mended = patched(mended, problem.fix.patch)
        if len(problems) > 1 and check_document(mended).problems == ():
            break
    assert check_document(mended).problems == ()
    assert document == before


def test_agents_that_connections_name_are_not_removed():
    document = sound()
    at(document, "polish").update(settings={"mode": "review_design"})
    document["connections"].append(link("team", "polish", target_agent="writer"))

    (problem,) = check_document(document).problems

    assert (problem.path, problem.fix) == ("/blocks/4/agents/1", None)
