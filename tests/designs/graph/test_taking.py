"""One part of a document taken into another, and both in one picture."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given

from designs.graph.taking import with_part
from designs.graph.uniting import united
from designs.patterns.comparison import compare_designs
from designs.sample_files import load_samples
from tests.designs.graph.test_compare_hostile import VALUES
from tests.documents import doubling

ROUTING = next(one for one in load_samples() if one.slug == "support-routing").document


def without(block_id: str) -> dict[str, Any]:
    document = copy.deepcopy(ROUTING)
    document["blocks"] = [one for one in document["blocks"] if one["id"] != block_id]
    document["connections"] = [
        one for one in document["connections"] if block_id not in (one["source"], one["target"])
    ]
    return document


def test_a_removed_block_comes_back_with_its_connections() -> None:
    back = with_part(without("billing_desk"), ROUTING, "block", "billing_desk")
    comparison = compare_designs(ROUTING, back)
    assert {part.id for part in comparison.changes} == {"blocks", "connections"}
    assert len(back["connections"]) == len(ROUTING["connections"])


def test_a_block_keeps_its_id_and_its_position() -> None:
    document = copy.deepcopy(ROUTING)
    block = next(one for one in document["blocks"] if one["id"] == "billing_desk")
    block.update(id="desk", position={"x": 1, "y": 2})
    for connection in document["connections"]:
        for end in ("source", "target"):
            if connection[end] == "billing_desk":
                connection[end] = "desk"
    # Only the id differs, so it is the same block; then another task, too.
    assert with_part(document, ROUTING, "block", "desk")["blocks"] == document["blocks"]


def test_connections_and_fields_of_the_design() -> None:
    document = copy.deepcopy(ROUTING)
    gone = document["connections"].pop(0)
    document["model"] = "openai:gpt-5"
    back = with_part(document, ROUTING, "connection", gone["id"])
    assert gone in back["connections"]
    assert with_part(back, ROUTING, "design", "model")["model"] is None
    assert "model" not in with_part(document, doubling(), "design", "model")


def test_what_neither_has_is_nothing() -> None:
    for kind, name in (("block", "x"), ("connection", "x"), ("design", "x"), ("agent", "router")):
        assert with_part(ROUTING, doubling(), kind, name) is None
    assert with_part(ROUTING, doubling(), "design", "blocks") is None
    assert with_part({"blocks": 5}, ROUTING, "block", "triage") is None


def test_one_agent_is_taken_and_the_rest_stays() -> None:
    after = copy.deepcopy(ROUTING)
    block = after["blocks"][0]
    block["task"] = "Else"
    (agent,) = block["agents"]
    agent["system_prompt"] = "Else."
    block["agents"] += [{"id": "new", "name": "New"}]
    back: Any = with_part(after, ROUTING, "agent", agent["id"], block["id"])
    assert back["blocks"][0]["task"] == "Else"
    assert back["blocks"][0]["agents"][0] == ROUTING["blocks"][0]["agents"][0]
    back = with_part(back, ROUTING, "agent", "new", block["id"])
    assert back["blocks"][0]["agents"] == ROUTING["blocks"][0]["agents"]
    back["blocks"][0]["agents"] = []
    back = with_part(back, ROUTING, "agent", agent["id"], block["id"])
    assert back["blocks"][0]["agents"] == ROUTING["blocks"][0]["agents"]
    for name, place in ((agent["id"], "x"), ("x", block["id"]), (agent["id"], "")):
        assert with_part(after, ROUTING, "agent", name, place) is None


def test_taking_every_change_makes_the_documents_equal() -> None:
    before, after = copy.deepcopy(ROUTING), without("billing_desk")
    after["name"] = "Another"
    after["blocks"][0]["task"] = "Else"
    after["blocks"].append({"id": "new", "type": "transform", "settings": {"template": "x"}})
    document: Any = after
    for part in compare_designs(before, after).changes:
        document = with_part(document, before, part.kind, part.id) or document
    left = compare_designs(before, document).changes
    assert {part.id for part in left} <= {"blocks", "connections"}


def test_both_documents_in_one_picture() -> None:
    after = without("billing_desk")
    after["blocks"][0]["agents"][0]["system_prompt"] = "Else."
    both = united(after, compare_designs(ROUTING, after))
    assert len(both.document["blocks"]) == len(ROUTING["blocks"])
    assert both.blocks == {"triage": "changed", "billing_desk": "removed"}
    ids = {one["id"] for one in both.document["connections"]}
    assert set(both.connections) <= ids
    assert set(both.connections.values()) == {"removed"}


@given(VALUES, VALUES)
def test_any_values(before: Any, after: Any) -> None:
    comparison = compare_designs(before, after)
    both = united(after, comparison)
    assert len(both.document["blocks"]) >= 0
    if isinstance(after, dict):
        for part in comparison.changes:
            with_part(after, before, part.kind, part.id, part.block_id)
