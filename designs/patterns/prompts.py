"""How a block's task, deliveries and answers become the labelled parts of a prompt."""

from __future__ import annotations

from designs.graph.spec import Agent, Block
from designs.patterns.base import Delivery, Part, RunContext

TASK = "Task"
NOTE = "Note"


def render_task(block: Block, context: RunContext) -> list[Part]:
    """The block's task as the first part; nothing if the block has none. Raises ExpressionError."""
    return [Part(TASK, context.render(block.task))] if block.task.strip() else []


def delivered(agent: Agent, context: RunContext) -> list[Part]:
    """What connections brought for this agent, one part per connection."""
    return [Part(_source_label(delivery), delivery.value) for delivery in context.deliveries(agent)]


def answer_part(agent: Agent, text: str) -> Part:
    """What another agent of the same block said."""
    return Part(f"Answer of {display_name(agent)}", text)


def display_name(agent: Agent) -> str:
    return agent.name.strip() or agent.id


def _source_label(delivery: Delivery) -> str:
    agent = f", agent {delivery.source_agent}" if delivery.source_agent is not None else ""
    return f"From {delivery.source}{agent}"
