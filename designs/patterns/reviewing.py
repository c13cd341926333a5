"""Reviews the running design itself: every prompt, the graph, the results; suggests prompts."""

from __future__ import annotations

import json
from typing import Any

from designs.graph.spec import Agent, Block, Connection, Graph
from designs.patterns.base import BlockFailed, BlockOutput, Part, RunContext
from designs.patterns.prompts import cut, delivered, display_name, instruction, render_task
from designs.patterns.structured import (
    Schema,
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

    The current prompts are the document's, not the model's words. A suggestion for an agent that
    does not exist is dropped and named. Raises BlockFailed if the answer cannot be read.
    """
    agents = _agents(context.graph)
    answer = await context.ask(
        reflector,
        [
            *render_task(block, context),
            *delivered(reflector, context),
            Part("Blocks", _blocks(context.graph)),
            Part("Connections", [_way(connection) for connection in context.graph.connections]),
            Part("Agents", {name: _about(agent) for name, (_, agent) in agents.items()}),
            Part("Results so far", _results(context)),
            instruction(REVIEW),
        ],
        purpose="review",
        schema=_schema(agents),
        lenient=True,
    )
    if not isinstance(field_of(answer.value, "suggestions"), list):
        raise BlockFailed(f"the suggestions of {display_name(reflector)} cannot be read.")
    suggestions = _read(answer.value, agents, context)
    value = {"suggestions": suggestions}
    return BlockOutput(value, by_agent={reflector.id: value})


Agents = dict[str, tuple[Block, Agent]]


def _agents(graph: Graph) -> Agents:
    """All agents of the design under the names the model uses: `block/agent`."""
    return {
        f"{block.id}/{agent.id}": (block, agent) for block in graph.blocks for agent in block.agents
    }


def _read(value: Any, agents: Agents, context: RunContext) -> list[dict[str, str]]:
    """The suggestions that mean something: a known agent, a new prompt, the first for its agent."""
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


def _schema(agents: Agents) -> Schema:
    suggestion = object_of(agent=one_of(agents), reasoning=text(), suggested_prompt=text())
    most = min(len(agents), MAX_SUGGESTIONS)
    return object_of(suggestions=list_of(suggestion, least=0, most=most))


def _blocks(graph: Graph) -> list[dict[str, Any]]:
    return [
        {
            "id": block.id,
            "type": block.type,
            "label": block.label,
            "task": cut(block.task, TASK_CHARACTERS),
            "settings": block.settings,
        }
        for block in graph.blocks
    ]


def _way(connection: Connection) -> str:
    source = ".".join(filter(None, [connection.source, connection.source_agent]))
    target = ".".join(filter(None, [connection.target, connection.target_agent]))
    conditions = [
        f"route {connection.route}" if connection.route else "",
        f"when {connection.when}" if connection.when else "",
    ]
    return ", ".join(filter(None, [f"{source} -> {target}", *conditions]))


def _about(agent: Agent) -> dict[str, str]:
    return {"name": agent.name, "role": agent.role, "system_prompt": agent.system_prompt}


def _results(context: RunContext) -> dict[str, Any]:
    return {name: _shortened(output) for name, output in context.results().items()}


def _shortened(output: Any) -> Any:
    """An output as it is if it is short, else the beginning of its text."""
    words = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    return output if len(words) <= RESULT_CHARACTERS else cut(words, RESULT_CHARACTERS)
