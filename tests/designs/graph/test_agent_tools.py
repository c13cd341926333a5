"""Tools of an agent in the document: what may stand there, and the bound of a run with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from designs.graph.bounds import Bound, bound_of
from designs.graph.compare import compare_documents
from designs.patterns.catalogue import PALETTE, check_document
from tests.scripted import agent, block, design, problems_of

PLACE = "/blocks/0/agents/0"


def with_tools(*tools: Any, **more: Any) -> dict[str, Any]:
    return design(block("sequential", agent("a", tools=list(tools), **more)))


def bound(document: dict[str, Any]) -> Bound:
    graph = check_document(document).graph
    assert graph is not None
    return bound_of(graph, PALETTE, ("some:model",), lambda name: None)


def test_tools_are_names_or_names_with_rules() -> None:
    rules = {"name": "crm.send_mail", "approval": "always", "most_calls": 2}
    tools = ("crm.search", rules, "deployments.support.translate")
    checked = check_document(with_tools(*tools, tool_limits={"turns": 3, "calls": 5}))
    assert checked.problems == ()
    assert checked.graph is not None
    (found,) = checked.graph.blocks[0].agents
    assert [tool.name for tool in found.named_tools()] == [
        "crm.search", "crm.send_mail", "deployments.support.translate",
    ]  # fmt: skip
    assert found.named_tools()[1].most_calls == 2
    assert (found.tool_limits.turns, found.tool_limits.calls) == (3, 5)


def test_limits_of_tools_have_defaults() -> None:
    graph = check_document(with_tools("crm.search")).graph
    assert graph is not None
    assert graph.blocks[0].agents[0].tool_limits.model_dump() == {"turns": 8, "calls": 16}


@pytest.mark.parametrize(
    "tool",
    ["crm search", "crm.*", "search", 7, {"name": "crm.search", "approval": "never"},
     {"name": "crm.search", "most_calls": 0}, {"name": "crm.search", "effect": "read"}],
)  # fmt: skip
def test_what_names_no_tool_is_a_problem_at_its_place(tool: Any) -> None:
    (sentence,) = problems_of(with_tools("crm.other", tool)).values()
    assert sentence.startswith("Name a tool by its connection")
    assert list(problems_of(with_tools("crm.other", tool))) == [f"{PLACE}/tools/1"]


def test_a_tool_named_twice_is_a_problem_that_one_change_mends() -> None:
    checked = check_document(with_tools("crm.search", {"name": "crm.search"}))
    (problem,) = checked.problems
    assert problem.path == f"{PLACE}/tools/1"
    assert problem.fix is not None
    assert problem.fix.label == "Remove it"


@pytest.mark.parametrize(("limit", "value"), [("turns", 31), ("calls", 101), ("turns", 0)])
def test_limits_have_bounds(limit: str, value: int) -> None:
    found = problems_of(with_tools("crm.search", tool_limits={limit: value}))
    assert list(found) == [f"{PLACE}/tool_limits/{limit}"]


def test_more_than_32_tools_are_too_many() -> None:
    found = problems_of(with_tools(*(f"crm.tool_{number}" for number in range(33))))
    assert found == {f"{PLACE}/tools": "This may have at most 32 entries."}


def test_the_bound_counts_each_turn_and_the_last_request() -> None:
    plain, tools = bound(with_tools()), bound(with_tools("crm.search", tool_limits={"turns": 4}))
    assert (plain.calls, tools.calls) == (1, 5)
    assert tools.calls_with_retries == 5 * plain.calls_with_retries
    assert bound(with_tools("crm.search", max_output_tokens=100)).tokens_out == 900
    assert plain.cost_usd is None or plain.cost_usd == Decimal(0)


def test_another_tool_is_a_change_of_the_agent() -> None:
    compared = compare_documents(with_tools("crm.search"), with_tools("crm.search", "crm.mail"), {})
    (change,) = compared.changes
    assert (change.kind, change.id) == ("agent", "a")
    assert [(one.name, one.after) for one in change.fields] == [
        ("tools", ["crm.search", "crm.mail"])
    ]
