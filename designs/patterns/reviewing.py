"""Reviews the running design itself, with its prompts and results, and suggests better prompts."""

from __future__ import annotations

import json
from typing import Any

from designs.graph.spec import Agent, Block, Connection
from designs.patterns.base import BlockFailed, BlockOutput, Part, RunContext
from designs.patterns.prompts import cut, delivered, display_name, instruction, render_task
from designs.patterns.structured import (
    entries_of,
    field_of,
    list_of,
    object_of,
    one_of,
    quoted,
    text,
    text_of,
)

MAX_SUGGESTIONS = 20
RESULT_CHARACTERS = 2_000
TASK_CHARACTERS = 500

REVIEW = (
    "Suggest better system prompts for agents whose results can be improved. Name each agent as "
    "it is listed above, say why in `reasoning`, and write the whole new prompt in "
    "`suggested_prompt`. "
    "Keep every `{{ expression }}` of the old prompt that is still needed. Suggest nothing for "
    "agents that do well; the list may be empty."
)


async def review_design(block: Block, context: RunContext, reflector: Agent) -> BlockOutput:
    """`{"suggestions": [{block_id, agent_id, current_prompt, suggested_prompt, reasoning}, …]}`.

    The current prompts come from the document, not from the model. A suggestion for an unknown
    agent is dropped and named. Raises BlockFailed if the answer cannot be read.
    """
    graph = context.graph
    agents = {
        f"{block.id}/{agent.id}": (block, agent) for block in graph.blocks for agent in block.agents
    }
    blocks = [
        {
            "id": block.id,
            "type": block.type,
            "label": block.label,
            "task": cut(block.task, TASK_CHARACTERS),
            "settings": block.settings,
        }
        for block in graph.blocks
    ]
    about_agents = {
        name: {"name": agent.name, "role": agent.role, "system_prompt": agent.system_prompt}
        for name, (_, agent) in agents.items()
    }
    results = {name: _shortened(output) for name, output in context.results().items()}
    suggestion = object_of(agent=one_of(agents), reasoning=text(), suggested_prompt=text())
    most = min(len(agents), MAX_SUGGESTIONS)
    answer = await context.ask(
        reflector,
        [
            *render_task(block, context),
            *delivered(reflector, context),
            Part("Blocks", blocks),
            Part("Connections", [_described(connection) for connection in graph.connections]),
            Part("Agents", about_agents),
            Part("Results so far", results),
            instruction(REVIEW),
        ],
        purpose="review",
        schema=object_of(suggestions=list_of(suggestion, least=0, most=most)),
        lenient=True,
    )
    if not isinstance(field_of(answer.value, "suggestions"), list):
        raise BlockFailed(f"the suggestions of {display_name(reflector)} cannot be read.")
    value = {"suggestions": _suggestions(answer.value, agents, context)}
    return BlockOutput(value, by_agent={reflector.id: value})


def _suggestions(
    value: Any, agents: dict[str, tuple[Block, Agent]], context: RunContext
) -> list[dict[str, str]]:
    """The first suggestion of a new prompt for each agent, in the document's order."""
    suggestions: dict[str, dict[str, str]] = {}
    for entry in entries_of(value, "suggestions"):
        name, prompt = text_of(entry, "agent"), text_of(entry, "suggested_prompt")
        if name not in agents:
            context.degrade(f"A suggestion was dropped: there is no agent {quoted(name)}.")
            continue
        block, agent = agents[name]
        if not prompt or prompt == agent.system_prompt.strip() or name in suggestions:
            continue
        suggestions[name] = {
            "block_id": block.id,
            "agent_id": agent.id,
            "current_prompt": agent.system_prompt,
            "suggested_prompt": prompt,
            "reasoning": text_of(entry, "reasoning"),
        }
    return [suggestions[name] for name in agents if name in suggestions]


def _described(connection: Connection) -> str:
    source = ".".join(filter(None, [connection.source, connection.source_agent]))
    target = ".".join(filter(None, [connection.target, connection.target_agent]))
    conditions = [
        f"route {connection.route}" if connection.route else "",
        f"when {connection.when}" if connection.when else "",
    ]
    return ", ".join(filter(None, [f"{source} -> {target}", *conditions]))


def _shortened(output: Any) -> Any:
    """A short output unchanged, else the beginning of its text."""
    words = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return output if len(words) <= RESULT_CHARACTERS else cut(words, RESULT_CHARACTERS)
