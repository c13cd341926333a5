"""What the rules say of single blocks: types, roles, agents, settings, defaults, routes."""

from __future__ import annotations

from typing import Any

import pytest

from designs.patterns.catalogue import PALETTE
from tests.graphs import agent, asking, design, link, only_problem, paths, problems, transform


def test_an_unknown_type_names_those_there_are() -> None:
    path, message = only_problem(design([{**transform("a"), "type": "sequentail"}]))
    assert path == "/blocks/0/type"
    assert message.startswith("There is no block type `sequentail`; there are `sequential`, ")
    assert "Did you mean `sequential`?" in message


@pytest.mark.parametrize("kind", ["sequential", "parallel"])
@pytest.mark.parametrize("role", ["manager", "worker", "specialist", "moderator", "reflector"])
def test_roles_of_the_document_are_roles_of_these_patterns(kind: str, role: str) -> None:
    agents = [agent("a", role), agent("b"), agent("c")]
    assert problems(design([asking("x", *agents, kind=kind)])) == []


def test_a_role_that_a_pattern_has_no_place_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PALETTE["sequential"]), "roles", frozenset({"worker", "specialist"}))
    found = only_problem(design([asking("a", agent("boss", "manager"))]))
    assert found == (
        "/blocks/0/agents/0/role",
        "A sequential block has no place for the role `manager`. Use `specialist`, `worker`.",
    )


@pytest.mark.parametrize(
    ("block", "path", "sentence"),
    [
        ({**asking("a"), "agents": []}, "/agents", "needs 1 agent or more, and has none."),
        (transform("a", agents=[agent("x")]), "/agents", "has no agents. Remove them."),
        (transform("a", task="Think."), "/task", "has no task."),
        ({**transform("a"), "settings": {}}, "/settings", "its `expression` or its `template`."),
        (
            {**transform("a"), "settings": {"expression": "`1`", "template": "x"}},
            "/settings",
            "Remove one of them.",
        ),
        (
            {**transform("a"), "settings": {"expresion": "`1`", "template": "x"}},
            "/settings/expresion",
            "Did you mean `expression`?",
        ),
        (
            {**transform("a"), "settings": {"expression": 5}},
            "/settings/expression",
            "must be text.",
        ),
        (asking("a", settings={"context": "all"}), "/settings/context", "one of `last` or `full`."),
        (asking("a", on_error="default"), "/default", "give the value that is handed on"),
        (asking("a", default="x"), "/default", "only if `on_error` is `default`"),
        (asking("a", on_error="continue", default=1), "/default", "and that is `continue`."),
    ],
)
def test_a_block_that_does_not_fit_its_pattern(
    block: dict[str, Any], path: str, sentence: str
) -> None:
    found = only_problem(design([block]))
    assert found[0] == f"/blocks/0{path}"
    assert sentence in found[1]


@pytest.mark.parametrize(
    ("settings", "path", "sentence"),
    [
        ({"require": 3}, "/settings/require", "Only 2 members can answer."),
        ({"require": 0}, "/settings/require", "one of `all`, or be at least 1."),
        ({"require": "some"}, "/settings/require", "one of `all`, or be a whole number."),
        ({"max_concurrency": 0}, "/settings/max_concurrency", "at least 1."),
        ({"max_concurrency": True}, "/settings/max_concurrency", "whole number."),
        ({"aggregate": "agent"}, "/settings/aggregate", "Give one the role `moderator`"),
        ({"aggregate": "mean"}, "/settings/aggregate", "one of `agent`, `list` or `vote`."),
    ],
)
def test_the_settings_of_a_parallel_block(
    settings: dict[str, Any], path: str, sentence: str
) -> None:
    found = only_problem(design([asking("p", "a", "b", kind="parallel", settings=settings)]))
    assert found[0] == f"/blocks/0{path}"
    assert sentence in found[1]


def test_the_aggregator_of_a_parallel_block() -> None:
    judge, second = agent("judge", "moderator"), agent("chief", "manager")
    whole = asking("p", judge, "a", "b", kind="parallel", settings={"aggregate": "agent"})
    assert problems(design([whole])) == []
    assert only_problem(design([{**whole, "settings": {"aggregate": "vote"}}]))[0] == (
        "/blocks/0/settings/aggregate"
    )
    two = asking("p", judge, second, "a", "b", kind="parallel")
    assert only_problem(design([two]))[0] == "/blocks/0/agents/1/role"
    for alone in (asking("p", judge, "a", kind="parallel"), asking("p", "a", kind="parallel")):
        assert set(paths(design([alone]))) == {"/blocks/0/agents"}


def test_a_default_may_be_false_or_empty() -> None:
    for value in (False, 0, "", [], {}):
        assert problems(design([asking("a", on_error="default", default=value)])) == []


def test_a_route_out_of_a_block_that_chooses_none() -> None:
    raw = design([transform("a"), transform("b", "incoming")], [link("a", "b", route="billing")])
    path, message = only_problem(raw)
    assert path == "/connections/0/route"
    assert message.startswith("Block `a` chooses no routes, so nothing takes this one.")
