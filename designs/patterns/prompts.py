"""How a block's task, deliveries and answers become the labelled parts of a prompt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from designs.graph.expressions import Template
from designs.graph.spec import Agent, Block, Graph
from designs.patterns.base import RUN_INPUT, Delivery, Part, RunContext

TASK = "Task"
INPUT = "Input"
NOTE = "Note"
INSTRUCTION = "What to do"

ABOUT_CHARACTERS = 300


def render_task(block: Block, context: RunContext) -> list[Part]:
    """The block's task as the first part; nothing if the block has none. Raises ExpressionError."""
    if not block.task.strip():
        return []
    return [Part(TASK, context.render(block.task), template=block.task)]


def delivered(agent: Agent, context: RunContext) -> list[Part]:
    """What connections brought for this agent, one part per connection; or the run's input.

    The parts name blocks and agents as people do; ids are for data.
    """
    found = context.deliveries(agent)
    if not found:
        return []
    if len(found) == 1 and found[0].source == RUN_INPUT:
        return [Part(INPUT, found[0].value)]
    names = _Names(context.graph)
    return [Part(names.label_of(delivery), names.value_of(delivery)) for delivery in found]


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
    prompt = cut(told(agent.system_prompt), ABOUT_CHARACTERS)
    return f"{display_name(agent)}. {prompt}" if prompt else display_name(agent)


def told(template: str) -> str:
    """A template as others than its own agents may read it: what it would put in is not for them,
    and would make everybody look alike to whoever chooses by it.
    """
    return Template.compile(template).outline


def cut(text: str, most_characters: int) -> str:
    """The text on one line, at most so long."""
    line = " ".join(text.split())
    return line if len(line) <= most_characters else f"{line[:most_characters]}…"


class _Names:
    """The names of a design's blocks and agents; with the id where two have the same name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    @cached_property
    def _blocks(self) -> dict[str, Block]:
        return {block.id: block for block in self._graph.blocks}

    @cached_property
    def _labels(self) -> dict[str, str]:
        return unique_names({b.id: b.label.strip() or b.id for b in self._graph.blocks})

    def label_of(self, delivery: Delivery) -> str:
        if delivery.source == RUN_INPUT:
            return INPUT
        agents = self._agents(delivery.source)
        name = delivery.source_agent
        agent = f", agent {agents.get(name, name)}" if name is not None else ""
        return f"From {self._labels[delivery.source]}{agent}"

    def value_of(self, delivery: Delivery) -> Any:
        """The value; an object by agent has the agents' names."""
        value = delivery.value
        if delivery.source == RUN_INPUT or delivery.source_agent is not None:
            return value
        agents = self._agents(delivery.source)
        if not isinstance(value, dict) or not value or not value.keys() <= agents.keys():
            return value
        return {agents[name]: said for name, said in value.items()}

    def _agents(self, block_id: str) -> dict[str, str]:
        agents = self._blocks[block_id].agents
        return unique_names({agent.id: display_name(agent) for agent in agents})


def unique_names(names: Mapping[str, str]) -> dict[str, str]:
    """Names by id; those that several have come with their ids."""
    counts = Counter(names.values())
    return {
        found: name if counts[name] == 1 else f"{name} ({found})" for found, name in names.items()
    }
