"""Models are told labels and names, not ids, and no templates of others."""

from __future__ import annotations

import json

from tests.executor.engine.stage import play
from tests.graphs import agent, asking, chain, design, link, transform


def readers(*agents, **more):
    first = asking("block_1", *agents, **more)
    return design([first, asking("next", "w")], chain("block_1", "next"))


TWO = (agent("agent_1", name="Security Analyst"), agent("agent_2", name="Lawyer"))


async def test_a_delivery_is_named_by_label_and_agent():
    raw = readers(*TWO, label="Research", kind="parallel")
    raw["connections"] = [link("block_1", "next", source_agent="agent_2")]
    prompt = (await play(raw)).stage.prompt("next/w/1/answer")
    assert "From Research, agent Lawyer" in prompt


async def test_answers_by_agent_have_the_agents_names_and_data_their_ids():
    raw = readers(*TWO, label="Research", kind="parallel")
    raw["blocks"].append(transform("data", "keys(incoming)"))
    raw["connections"].append(link("block_1", "data"))
    played = await play(raw, {"agent_1": "A", "agent_2": "B"})
    prompt = played.stage.prompt("next/w/1/answer")
    assert prompt["From Research"] == {"Security Analyst": "A", "Lawyer": "B"}
    assert played.result["data"] == ["agent_1", "agent_2"]


async def test_the_same_name_twice_comes_with_ids():
    twins = [agent(name, name="Analyst") for name in ("agent_1", "agent_2")]
    raw = readers(*twins, label="Research", kind="parallel")
    raw["blocks"].insert(1, asking("block_2", "x", label="Research"))
    raw["connections"].append(link("block_2", "next"))
    prompt = (await play(raw, {"agent_1": "A", "agent_2": "B"})).stage.prompt("next/w/1/answer")
    assert prompt["From Research (block_1)"] == {"Analyst (agent_1)": "A", "Analyst (agent_2)": "B"}
    assert "From Research (block_2)" in prompt


async def test_other_objects_are_handed_on_as_they_are():
    raw = design([transform("made", "{agent_1: 'x'}"), asking("next", "w")], chain("made", "next"))
    assert (await play(raw)).stage.prompt("next/w/1/answer")["From made"] == {"agent_1": "x"}


async def test_legends_leave_out_what_prompts_put_in():
    lead = agent("lead", "manager")
    worker = agent("w1", name="Writer", system_prompt="Answer in {{ input.lang }}, \\{{ twice.")
    raw = design([asking("h", lead, worker, kind="hierarchical")])
    plan = json.dumps({"subtasks": [{"worker": "w1", "task": "A"}]})
    played = await play(raw, {"h/lead/1/plan": plan}, given={"lang": "French"})
    workers = played.stage.prompt("h/lead/1/plan")["Workers"]
    assert workers == {"w1": "Writer. Answer in …, {{ twice."}
    assert played.stage.prompt("h/w1/1/subtask_1")["system"] == "Answer in French, {{ twice."


async def test_a_router_reads_the_tasks_of_its_targets_without_templates():
    raw = design(
        [asking("r", agent("m", "moderator"), kind="routing"),
         asking("x", label="Xs", task="Answer {{ input.q }} at once."), asking("y")],
        [link("r", "x"), link("r", "y")],
    )  # fmt: skip
    played = await play(raw, {"m": '{"reason": "r", "route": "x"}'}, given={"q": "why"})
    assert played.stage.prompt("r/m/1/route")["Routes"]["x"] == "Xs. Answer … at once."
