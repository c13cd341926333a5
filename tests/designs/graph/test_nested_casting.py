"""What the nested layout allows to run imports into something that publishes, and says what was
changed.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.patterns.catalogue import check_document
from tests.designs.graph.test_nested_layout import read, warned

ROLES = ["manager", "worker", "specialist", "moderator", "reflector", "supervisor", "", None]
TYPES = [
    "sequential", "parallel", "hierarchical", "debate", "routing", "dynamic_routing", "reflection",
]  # fmt: skip


def block(kind: str, *roles: Any, block_id: str = "b-1", **data: Any) -> dict[str, Any]:
    agents = [
        {"id": f"agent-{n}", "name": f"Agent {n}", "system_prompt": "You help.", "role": role}
        for n, role in enumerate(roles)
    ]
    return {
        "id": block_id,
        "type": kind,
        "position": {"x": 0, "y": 0},
        "data": {"label": "One", "task": "Do it.", "agents": agents, **data},
    }


def design(*blocks: dict[str, Any], connections: Any = ()) -> dict[str, Any]:
    return {"name": "D", "blocks": list(blocks), "connections": list(connections), "git_repos": []}


def cast(raw: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The first block as it was imported, and all warnings in one text."""
    found = read(raw)
    assert check_document(found.document).problems == ()
    return found.document["blocks"][0], "\n".join(warned(found).values())


def roles_of(made: dict[str, Any]) -> list[Any]:
    return [agent.get("role") for agent in made["agents"]]


@given(
    kinds=st.lists(st.sampled_from(TYPES), min_size=1, max_size=3),
    roles=st.lists(st.lists(st.sampled_from(ROLES), min_size=1, max_size=11), min_size=3),
    rounds=st.sampled_from([None, 0, 1, 3, 99, "3"]),
    agents=st.booleans(),
)
def test_whatever_stands_in_a_chain_of_blocks_publishes(
    kinds: list[str], roles: list[list[Any]], rounds: Any, agents: bool
) -> None:
    more = {} if rounds is None else {"rounds": rounds}
    blocks = [block(kind, *roles[n], block_id=f"b-{n}", **more) for n, kind in enumerate(kinds)]
    ends = {"sourceAgent": "agent-0", "targetAgent": "agent-0", "type": "agent"} if agents else {}
    links = [
        {"id": f"c-{n}", "source": f"b-{n}", "target": f"b-{n + 1}", **ends}
        for n in range(len(blocks) - 1)
    ]
    found = read(design(*blocks, connections=links))
    assert check_document(found.document).problems == ()
    told = warned(found)
    for n, made in enumerate(found.document["blocks"]):
        if made["type"] != ("routing" if kinds[n] == "dynamic_routing" else kinds[n]):
            assert "became" in told[f"/blocks/{n}/type"]
        # Each role that is another one now is told, but for spellings.
        for place, (was, role) in enumerate(zip(roles[n], roles_of(made), strict=True)):
            known = {"": "worker", None: None, "supervisor": "manager"}.get(was, was)
            if role != known:
                assert f"became `{role}`" in told[f"/blocks/{n}/data/agents/{place}/role"]


def test_a_debate_of_a_manager_and_another_is_a_debate_of_two() -> None:
    made, told = cast(design(block("debate", "manager", "specialist", rounds=2)))
    assert roles_of(made) == ["specialist", "specialist"]
    assert made["settings"] == {"rounds": 2, "stop_on_agreement": False}
    assert "`manager` became `specialist`: a debate needs two debaters beside its judge." in told
    assert "hands on its last round only" in told


def test_a_debate_keeps_its_moderator_as_judge() -> None:
    made, _ = cast(design(block("debate", "manager", "worker", "moderator", "worker")))
    assert roles_of(made) == ["specialist", "worker", "moderator", "worker"]


def test_a_moderator_in_a_hierarchy_is_a_worker() -> None:
    made, told = cast(design(block("hierarchical", "manager", "moderator", "worker")))
    assert roles_of(made) == ["manager", "worker", "worker"]
    assert "`moderator` became `worker`: a hierarchy has no such role." in told


def test_a_reflector_alone_reviews_the_design() -> None:
    made, told = cast(design(block("reflection", "reflector", rounds=2)))
    assert made["settings"] == {"mode": "review_design"}
    assert "reviews the prompts of the whole design" in told


def test_a_writer_alone_refines() -> None:
    made, _ = cast(design(block("reflection", "worker", rounds="4")))
    assert made["settings"] == {"max_rounds": 4}


@pytest.mark.parametrize("kind", ["parallel", "hierarchical", "debate", "dynamic_routing"])
def test_one_agent_alone_answers_by_itself(kind: str) -> None:
    made, told = cast(design(block(kind, "manager")))
    assert (made["type"], "settings" in made) == ("sequential", False)
    assert "one agent alone plays no other pattern" in told


def test_a_router_alone_chooses_among_what_it_leads_to() -> None:
    blocks = [block("dynamic_routing", "moderator", block_id="r-1")]
    blocks += [block("sequential", "worker", block_id=name) for name in ("x-1", "x-2")]
    links = [{"id": f"c-{n}", "source": "r-1", "target": f"x-{n}"} for n in (1, 2)]
    made, _ = cast(design(*blocks, connections=links))
    assert made["type"] == "routing"


def test_blocks_that_begin_the_design_are_told_to_get_the_input() -> None:
    blocks = [block("sequential", "worker", block_id=name) for name in ("a-1", "a-2")]
    links = [{"id": "c-1", "source": "a-1", "target": "a-2"}]
    told = warned(read(design(*blocks, connections=links)))
    assert "get the run's input" in told["/blocks/0"]
    assert "/blocks/1" not in told


def test_rounds_beyond_what_is_played_are_cut_and_told() -> None:
    made, told = cast(design(block("debate", "worker", "worker", rounds=50)))
    assert made["settings"]["rounds"] == 10
    assert "50 rounds became 10" in told
