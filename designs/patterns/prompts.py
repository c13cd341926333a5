"""Turns a block's task, deliveries and answers into the labelled parts of a prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from designs.graph.expressions import Template
from designs.graph.spec import Agent, Block
from designs.patterns.base import RUN_INPUT, Part, RunContext

TASK = "Task"
INPUT = "Input"
NOTE = "Note"
INSTRUCTION = "What to do"

ABOUT_CHARACTERS = 300


def render_task(block: Block, context: RunContext) -> list[Part]:
    """The block's task as the first part; empty without a task. Raises ExpressionError."""
    if not block.task.strip():
        return []
    return [Part(TASK, context.render(block.task), template=block.task)]


def delivered(agent: Agent, context: RunContext) -> list[Part]:
    """One part per connection that delivered something to this agent, or the run's input.

    Labels have the names of blocks and agents; ids are for data.
    """
    deliveries = context.deliveries(agent)
    if not deliveries:
        return []
    if len(deliveries) == 1 and deliveries[0].source == RUN_INPUT:
        return [Part(INPUT, deliveries[0].value)]
    blocks = {block.id: block for block in context.graph.blocks}
    labels = unique_names({name: block.label.strip() or name for name, block in blocks.items()})
    parts = []
    for delivery in deliveries:
        label, value = INPUT, delivery.value
        if delivery.source != RUN_INPUT:
            label, name = f"From {labels[delivery.source]}", delivery.source_agent
            members = blocks[delivery.source].agents
            agents = unique_names({member.id: display_name(member) for member in members})
            if name is not None:
                label += f", agent {agents.get(name, name)}"
            elif isinstance(value, dict) and value and value.keys() <= agents.keys():
                value = {agents[key]: answer for key, answer in value.items()}
        parts.append(Part(label, value))
    return parts


async def free_answer(
    context: RunContext,
    agent: Agent,
    parts: Sequence[Part],
    *,
    purpose: str,
    later: int | None = None,
) -> Any:
    """The answer of an agent that is asked for no form of the pattern's own: text, or an object by
    its `output_schema`. Raises what `ask` does.
    """
    schema = agent.output_schema
    answer = await context.ask(agent, parts, purpose=purpose, schema=schema, later=later)
    return answer.text if schema is None else answer.value


def answer_part(agent: Agent, answer: Any) -> Part:
    return Part(f"Answer of {display_name(agent)}", answer)


def instruction(text: str) -> Part:
    """The last part: the request itself, after its material."""
    return Part(INSTRUCTION, text)


def notes(sentences: Sequence[str]) -> list[Part]:
    """A part about the failures so far; empty if there are none."""
    return [Part(NOTE, " ".join(sentences))] if sentences else []


def display_name(agent: Agent) -> str:
    return agent.name.strip() or agent.id


def about_agent(agent: Agent) -> str:
    """Describes an agent to a model that chooses among agents."""
    prompt = cut(outline_of(agent.system_prompt), ABOUT_CHARACTERS)
    return f"{display_name(agent)}. {prompt}" if prompt else display_name(agent)


def outline_of(template: str) -> str:
    """A template without its values: they are for its own agent only, and would make all agents
    look alike to a model that chooses among them.
    """
    return Template.compile(template).outline


def cut(text: str, most_characters: int) -> str:
    """The text on one line, cut to a maximum length."""
    line = " ".join(text.split())
    return line if len(line) <= most_characters else f"{line[:most_characters]}…"


def unique_names(names: Mapping[str, str]) -> dict[str, str]:
    """Names by id; a name that is not unique gets its id appended."""
    counts = Counter(names.values())
    return {key: name if counts[name] == 1 else f"{name} ({key})" for key, name in names.items()}
