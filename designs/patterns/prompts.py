"""How a block's task, deliveries and answers become the labelled parts of a prompt."""

from __future__ import annotations

from collections.abc import Sequence

from designs.graph.spec import Agent, Block
from designs.patterns.base import Delivery, Part, RunContext

TASK = "Task"
NOTE = "Note"
INSTRUCTION = "What to do"

ABOUT_CHARACTERS = 300


def render_task(block: Block, context: RunContext) -> list[Part]:
    """The block's task as the first part; nothing if the block has none. Raises ExpressionError."""
    return [Part(TASK, context.render(block.task))] if block.task.strip() else []


def delivered(agent: Agent, context: RunContext) -> list[Part]:
    """What connections brought for this agent, one part per connection."""
    return [Part(_source_label(delivery), delivery.value) for delivery in context.deliveries(agent)]


def answer_part(agent: Agent, text: str) -> Part:
    """What another agent of the same block said."""
    return Part(f"Answer of {display_name(agent)}", text)


def instruction(text: str) -> Part:
    """What this very question asks for, after everything it is about."""
    return Part(INSTRUCTION, text)


def notes(sentences: Sequence[str]) -> list[Part]:
    """What went wrong so far; nothing if nothing did."""
    return [Part(NOTE, " ".join(sentences))] if sentences else []


def display_name(agent: Agent) -> str:
    return agent.name.strip() or agent.id


def about_agent(agent: Agent) -> str:
    """What an agent is for, told to whoever chooses among agents."""
    prompt = cut(agent.system_prompt, ABOUT_CHARACTERS)
    return f"{display_name(agent)}. {prompt}" if prompt else display_name(agent)


def cut(text: str, most_characters: int) -> str:
    """The text on one line, at most so long."""
    line = " ".join(text.split())
    return line if len(line) <= most_characters else f"{line[:most_characters]}…"


def _source_label(delivery: Delivery) -> str:
    agent = f", agent {delivery.source_agent}" if delivery.source_agent is not None else ""
    return f"From {delivery.source}{agent}"
