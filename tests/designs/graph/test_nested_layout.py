"""The nested layout of other programs becomes our document; what has no counterpart is named."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.expressions import Template
from designs.graph.files import ReadDesign, read_designs
from designs.patterns.catalogue import check_document


def nested(**changes: Any) -> dict[str, Any]:
    """Two blocks, of which one agent of the first writes to one of the second."""
    agents = [
        {"id": "agent-1", "name": "Ada", "system_prompt": "You plan.", "role": "manager"},
        {"id": "agent-2", "name": "Bob", "system_prompt": "You work.", "role": "worker"},
        {"id": "agent_3", "name": "Cleo", "system_prompt": "You work too."},
    ]
    return {
        "name": "Research",
        "description": "From elsewhere",
        "blocks": [
            {
                "id": "block-1",
                "type": "sequential",
                "position": {"x": 50, "y": 60.5},
                "data": {"label": "First", "task": "Find facts", "agents": agents},
            },
            {
                "id": "block-2",
                "type": "parallel",
                "position": {"x": 300, "y": 60},
                "data": {"label": "Second", "task": "Check facts", "agents": agents},
            },
        ],
        "connections": [
            {
                "id": "conn-1",
                "source": "block-1",
                "target": "block-2",
                "sourceAgent": "agent-1",
                "targetAgent": "agent-2",
                "type": "agent",
            }
        ],
        **changes,
    }


def read(raw: object) -> ReadDesign:
    found = read_designs(raw)
    assert found.problems == ()
    (design,) = found.designs
    return design


def warned(design: ReadDesign) -> dict[str, str]:
    return {warning.path: warning.message for warning in design.warnings}


def with_block(**data: Any) -> dict[str, Any]:
    kind = data.pop("type", "sequential")
    return {"name": "One", "blocks": [{"id": "a", "type": kind, "data": data}], "connections": []}


def test_it_becomes_our_document() -> None:
    document = read(nested()).document
    agents = [
        {"id": "agent_1", "name": "Ada", "role": "manager", "system_prompt": "You plan."},
        {"id": "agent_2", "name": "Bob", "role": "worker", "system_prompt": "You work."},
        {"id": "agent_3", "name": "Cleo", "system_prompt": "You work too."},
    ]
    assert {key: value for key, value in document.items() if key != "blocks"} == {
        "schema": 1,
        "name": "Research",
        "description": "From elsewhere",
        "connections": [
            {
                "id": "conn_1",
                "source": "block_1",
                "target": "block_2",
                "source_agent": "agent_1",
                "target_agent": "agent_2",
            }
        ],
    }
    assert document["blocks"][0] == {
        "id": "block_1",
        "type": "sequential",
        "label": "First",
        "task": "Find facts",
        "agents": agents,
        "position": {"x": 50, "y": 60.5},
    }
    assert check_document(document).problems == ()


def test_each_new_id_is_told_at_its_place_in_the_file() -> None:
    texts = warned(read(nested()))
    assert texts["/blocks/0/id"] == "The id `block-1` became `block_1`."
    assert texts["/blocks/1/data/agents/0/id"] == "The id `agent-1` became `agent_1`."
    assert texts["/connections/0/id"] == "The id `conn-1` became `conn_1`."
    # And that the first block gets the run's input.
    assert len(texts) == 8


def test_ends_may_be_objects_and_the_type_may_be_missing() -> None:
    ends = {
        "source": {"blockId": "block-1", "agentId": "agent-1"},
        "target": {"blockId": "block-2"},
    }
    (connection,) = read(nested(connections=[{"id": "c", **ends}])).document["connections"]
    assert connection == {
        "id": "c", "source": "block_1", "target": "block_2", "source_agent": "agent_1",
    }  # fmt: skip
    plain = {"id": "c", "source": "block-1", "target": "block-2", "sourceAgent": None}
    (connection,) = read(nested(connections=[plain])).document["connections"]
    assert connection == {"id": "c", "source": "block_1", "target": "block_2"}


def test_a_connection_of_blocks_leads_to_all_agents() -> None:
    raw = nested()
    raw["connections"][0]["type"] = "block"
    design = read(raw)
    assert "source_agent" not in design.document["connections"][0]
    assert "/connections/0/sourceAgent" in warned(design)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("debate", {"rounds": 4}),
        ("hierarchical", {"rounds": 4}),
        ("reflection", {"max_rounds": 4}),
        ("sequential", None),
    ],
)
def test_rounds_become_a_setting_where_there_are_rounds(kind: str, settings: Any) -> None:
    design = read(with_block(type=kind, rounds=4))
    assert design.document["blocks"][0].get("settings") == settings
    assert ("/blocks/0/data/rounds" in warned(design)) is (settings is None)


def test_dynamic_routing_is_routing() -> None:
    assert read(with_block(type="dynamic_routing")).document["blocks"][0]["type"] == "routing"


def test_keys_without_a_counterpart_are_told_one_by_one() -> None:
    raw = nested(git_repos=[], team="blue")
    raw["blocks"][0]["selected"] = True
    data = raw["blocks"][1]["data"]
    data.update(git_repo="https://host/repo", isolate_agent_workspaces=True)
    data["agents"] = [{"id": "b", "use_tools": True, "system_prompt": "x"}]
    raw["connections"][0]["extract_output"] = "summary"
    texts = warned(read(raw))
    for path in (
        "/git_repos", "/team", "/blocks/0/selected", "/blocks/1/data/git_repo",
        "/blocks/1/data/isolate_agent_workspaces", "/blocks/1/data/agents/0/use_tools",
        "/connections/0/extract_output",
    ):  # fmt: skip
        assert "left out" in texts[path], path


def test_text_with_braces_stays_text() -> None:
    for text in ("say {{ name }}", "{{", "\\{{ a }}", "{{{{ }}", "{{{x}}}"):
        agent = {"id": "w", "system_prompt": text}
        design = read(with_block(task=text, agents=[agent]))
        block = design.document["blocks"][0]
        assert Template.compile(block["task"]).render({}) == text
        assert Template.compile(block["agents"][0]["system_prompt"]).render({}) == text
        assert {"/blocks/0/data/task", "/blocks/0/data/agents/0/system_prompt"} <= set(
            warned(design)
        )


@pytest.mark.parametrize(
    ("role", "ours", "told"),
    [
        ("manager", "manager", False),
        ("Manager", "manager", False),
        ("supervisor", "manager", True),
        ("critic", "reflector", True),
        ("wizard", "worker", True),
        ("", "worker", False),
        (None, None, False),
    ],
)
def test_roles_are_ours_or_become_so(role: Any, ours: str | None, told: bool) -> None:
    design = read(with_block(agents=[{"id": "w", "role": role}]))
    assert design.document["blocks"][0]["agents"][0].get("role") == ours
    assert ("/blocks/0/data/agents/0/role" in warned(design)) is told


def test_a_list_holds_several_designs() -> None:
    found = read_designs([nested(), with_block(), nested(name="Third")])
    assert [design.document["name"] for design in found.designs] == ["Research", "One", "Third"]
    assert found.designs[2].warnings[0].path.startswith("/2/")
