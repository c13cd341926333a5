"""Two documents compared part by part."""

from __future__ import annotations

import copy
from typing import Any

from designs.graph.compare import Comparison, FieldChange, PartChange
from designs.patterns.comparison import compare_designs
from designs.sample_files import load_samples
from tests.documents import doubling, greeting

ROUTING = next(one for one in load_samples() if one.slug == "support-routing").document


def routing() -> dict[str, Any]:
    return copy.deepcopy(ROUTING)


def block(document: dict[str, Any], block_id: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["blocks"] if one["id"] == block_id)
    return found


def told(comparison: Comparison) -> list[tuple[str, str, str, list[str]]]:
    return [
        (part.kind, part.id, part.change, [change.name for change in part.fields])
        for part in comparison.changes
    ]


def test_equal_documents_have_no_changes() -> None:
    assert compare_designs(routing(), routing()).changes == ()
    assert compare_designs(routing(), routing()).summary() == {
        "added": 0, "changed": 0, "removed": 0,
    }  # fmt: skip


def test_what_is_written_out_or_left_to_its_default_is_the_same() -> None:
    after = routing()
    for one in after["blocks"]:
        one.update({"retries": one.get("retries", 2), "on_error": one.get("on_error", "fail")})
    block(after, "triage")["settings"].setdefault("max_routes", 1)
    after["connections"][0]["source_agent"] = None
    assert compare_designs(routing(), after).changes == ()


def test_fields_of_blocks_settings_and_agents() -> None:
    after = routing()
    block(after, "triage")["settings"]["default_route"] = "feedback"
    desk = block(after, "billing_desk")
    desk["agents"][0]["model"] = "openai:gpt-5-mini"
    desk["retries"] = 5
    comparison = compare_designs(routing(), after)
    assert told(comparison) == [
        ("block", "triage", "changed", ["settings/default_route"]),
        ("block", "billing_desk", "changed", ["retries"]),
        ("agent", "clerk", "changed", ["model"]),
    ]
    route, retries, model = (part.fields[0] for part in comparison.changes)
    assert (route.before, route.after, route.words) == ("technical", "feedback", ())
    assert (retries.before, retries.after) == (2, 5)
    assert (model.before, model.after) == (None, "openai:gpt-5-mini")
    assert comparison.changes[2].label == "Billing clerk"
    assert comparison.changes[2].block_id == "billing_desk"
    assert comparison.summary() == {"added": 0, "changed": 2, "removed": 0}


def test_prompts_are_compared_by_words() -> None:
    after = greeting()
    after["blocks"][0]["agents"][0]["system_prompt"] = "You write short greetings."
    (part,) = compare_designs(greeting(), after).changes
    assert part.fields[0].words == (
        ("same", "You write "), ("added", "short "), ("same", "greetings."),
    )  # fmt: skip


def test_blocks_and_connections_come_and_go() -> None:
    after = doubling()
    after["blocks"].append({"id": "name", "type": "transform", "settings": {"template": "Hi"}})
    after["blocks"].pop(1)
    after["connections"] = [{"id": "c2", "source": "pair", "target": "name", "when": "input.a"}]
    comparison = compare_designs(doubling(), after)
    assert told(comparison) == [
        ("block", "name", "added", ["id", "type", "settings/template"]),
        ("block", "double", "removed", ["id", "type", "settings/expression"]),
        ("connection", "c2", "added", ["source", "target", "when"]),
        ("connection", "c1", "removed", ["source", "target"]),
    ]
    assert [part.label for part in comparison.changes][2:] == ["pair → name", "pair → double"]
    assert comparison.summary() == {"added": 2, "changed": 0, "removed": 2}


def test_another_id_is_a_change_of_the_same_block_and_its_connections_follow() -> None:
    after = routing()
    block(after, "billing_desk")["agents"][0]["id"] = "writer"
    block(after, "technical_desk")["id"] = "engineers"
    for connection in after["connections"]:
        for end in ("source", "target"):
            if connection[end] == "technical_desk":
                connection[end] = "engineers"
    comparison = compare_designs(routing(), after)
    assert told(comparison) == [
        ("agent", "writer", "changed", ["id"]),
        ("block", "engineers", "changed", ["id"]),
    ]


def test_connections_are_told_by_where_they_lead_not_by_their_ids() -> None:
    before = routing()
    after = routing()
    gone = after["connections"].pop(0)
    for number, connection in enumerate(after["connections"]):
        connection["id"] = f"c{number}"
    for number, connection in enumerate(before["connections"]):
        connection["id"] = f"c{number}"
    (part,) = compare_designs(before, after).changes
    assert (part.kind, part.change) == ("connection", "removed")
    assert part.fields[1].before == gone["target"]


def test_fields_of_the_design_and_its_schema() -> None:
    after = routing()
    after["name"] = "Routing"
    after["model"] = "openai:gpt-5"
    after["input_schema"]["properties"]["customer"]["maxLength"] = 20
    after["input_schema"]["properties"]["urgent"] = {"type": "boolean"}
    comparison = compare_designs(routing(), after)
    assert told(comparison) == [
        ("design", "name", "changed", ["name"]),
        ("design", "model", "changed", ["model"]),
        (
            "design", "input_schema", "changed",
            ["input_schema/properties/customer/maxLength", "input_schema/properties/urgent"],
        ),
    ]  # fmt: skip
    assert [part.label for part in comparison.changes] == ["Name", "Default model", "Input schema"]


def test_positions_count_only_alone() -> None:
    after = routing()
    block(after, "triage")["position"] = {"x": 1, "y": 2}
    comparison = compare_designs(routing(), after)
    assert told(comparison) == [("block", "triage", "changed", ["position"])]
    after["name"] = "Routing"
    assert told(compare_designs(routing(), after)) == [("design", "name", "changed", ["name"])]


def test_another_order_is_a_change() -> None:
    after = greeting()
    after["blocks"][0]["agents"].reverse()
    (part,) = compare_designs(greeting(), after).changes
    assert part.fields == (FieldChange("agents", ["Writer", "Editor"], ["Editor", "Writer"]),)
    after = doubling()
    after["blocks"].reverse()
    (part,) = compare_designs(doubling(), after).changes
    assert part == PartChange(
        "design", "blocks", "Order of the blocks", "changed",
        (FieldChange("blocks", ["pair", "double"], ["double", "pair"]),),
    )  # fmt: skip
