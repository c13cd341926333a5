"""The palette's entries: what a new block begins with, and what its output looks like."""

from __future__ import annotations

import json

import pytest

from designs.graph.spec import Block
from designs.patterns.catalogue import PALETTE, check_document
from designs.patterns.palette import palette_entries
from designs.patterns.shapes import shape_for
from tests.scripted import agent, play

ENTRIES = palette_entries()


@pytest.fixture(params=ENTRIES, ids=lambda entry: entry["type"])
def entry(request):
    return request.param


def new_block(entry, **more):
    new = {"id": "new", "type": entry["type"], "settings": entry["settings"]}
    if entry["has_agents"]:
        new["agents"] = entry["agents"]
    return {**new, **more}


def test_there_is_an_entry_for_every_type_and_all_of_it_is_json():
    assert [entry["type"] for entry in ENTRIES] == list(PALETTE)
    assert json.loads(json.dumps(ENTRIES)) == ENTRIES


def test_a_new_block_is_valid(entry):
    document = {"schema": 1, "name": "New", "blocks": [new_block(entry)]}

    assert check_document(document).problems == ()


def test_its_agents_have_names_and_different_prompts(entry):
    agents = entry["agents"]

    assert entry["has_agents"] is bool(agents) is (entry["max_agents"] > 0)
    assert len({agent["name"] for agent in agents}) == len(agents)
    assert len({agent["system_prompt"] for agent in agents}) == len(agents)
    assert all(agent["system_prompt"].endswith((".", "?")) for agent in agents)


def test_the_roles_are_described_and_one_more_agent_fits(entry):
    assert set(entry["role_words"]) == set(entry["roles"])
    if len(entry["agents"]) < entry["max_agents"]:
        more = agent("more", entry["default_role"])
        document = new_block(entry, agents=[*entry["agents"], more])
        assert check_document({"name": "New", "blocks": [document]}).problems == ()


TWO = [agent("one"), agent("two")]
JUDGED = [*TWO, agent("head", "moderator")]
ROUTED = [agent("router", "moderator"), agent("one", "specialist"), agent("two", "specialist")]


@pytest.mark.parametrize(
    ("kind", "agents", "settings", "script", "shape"),
    [
        ("sequential", TWO, {}, {}, "text"),
        ("parallel", TWO, {}, {}, "by_agent"),
        ("parallel", JUDGED, {}, {}, "text"),
        ("parallel", TWO, {"aggregate": "vote"}, {}, "text"),
        ("debate", TWO, {"rounds": 1}, {}, "by_agent"),
        ("debate", TWO, {"rounds": 1, "judge": "vote"},
         {"vote": {"reason": "so", "winner": "one"}}, "text"),
        ("debate", JUDGED, {"rounds": 1},
         {"verdict": {"reason": "so", "winner": "one", "answer": "Yes"}}, "text"),
        ("routing", ROUTED, {}, {"route": {"reason": "so", "route": "one"}}, "text"),
        ("routing", ROUTED, {"mode": "multi", "max_routes": 2},
         {"route": {"reason": "so", "routes": ["one"]}}, "by_agent"),
        ("reflection", [agent("one")], {"mode": "review_design"},
         {"review": {"suggestions": []}}, "object"),
        ("reflection", [agent("one")], {}, {"critique": {"feedback": "good", "score": 90}}, "text"),
    ],
)  # fmt: skip
async def test_the_output_has_the_shape_it_is_said_to_have(kind, agents, settings, script, shape):
    block = {"id": "main", "type": kind, "agents": agents, "settings": settings}
    told = _shape(block)

    played = await play({"schema": 1, "name": "Shapes", "blocks": [block]}, script)

    value = played.result
    assert told["kind"] == shape
    if shape == "text":
        assert isinstance(value, str)
    elif shape == "by_agent":
        assert set(value) <= {agent["id"] for agent in agents}
    else:
        assert set(value) == set(told["fields"])


@pytest.mark.parametrize("mode", ["single", "multi"])
async def test_a_router_without_specialists_hands_its_input_on(mode):
    block = {
        "id": "main", "type": "routing", "agents": [agent("router", "moderator")],
        "settings": {"mode": mode},
    }  # fmt: skip
    end = {"id": "end", "type": "transform", "settings": {"expression": "incoming"}}
    link = {"id": "c", "source": "main", "target": "end"}
    routes = {"route": "end"} if mode == "single" else {"routes": ["end"]}
    document = {"schema": 1, "name": "R", "blocks": [block, end], "connections": [link]}

    played = await play(document, {"route": {"reason": "so", **routes}}, given={"a": 1})

    told = _shape(block)
    assert set(told["fields"]) == set(played.result) == {"input", "route", "reason"}
    kind = {"text": str, "list": list}[told["fields"]["route"]["kind"]]
    assert isinstance(played.result["route"], kind)


def _shape(raw):
    block = Block.model_validate(raw)
    settings = PALETTE[block.type].settings_type.model_validate(block.settings).model_dump()
    return shape_for(PALETTE[block.type].output, block, settings)
