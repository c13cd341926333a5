"""What connections bring to a block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from designs.graph.spec import Block, Connection
from designs.patterns.base import BlockOutput, Delivery
from executor.engine.compile import CompiledBlock, Link

# With the agent that it is for; None: the whole block.
Arrival = tuple[Delivery, str | None]


def arrival_of(link: Link, output: BlockOutput) -> Arrival | None:
    """The delivery of a connection whose condition holds; None if its route or agent has none."""
    if output.routes is not None and link.route not in output.routes:
        return None
    return brought_by(link.connection, output)


def brought_by(connection: Connection, output: BlockOutput) -> Arrival | None:
    """The delivery of a connection that is taken; None if its agent has no output."""
    value = output.value
    if connection.source_agent is not None:
        if connection.source_agent not in output.by_agent:
            return None
        value = output.by_agent[connection.source_agent]
    return Delivery(connection.source, connection.source_agent, value), connection.target_agent


def read_by_agent(block: CompiledBlock, output: BlockOutput) -> dict[str, Any] | None:
    """The outputs of those agents of the block from which connections lead; None without any."""
    read = dict.fromkeys(link.connection.source_agent for link in block.outgoing)
    own = output.by_agent
    return {agent: own[agent] for agent in read if agent is not None and agent in own} or None


def seen_by(block: Block, agent_id: str | None, arrivals: Sequence[Arrival]) -> list[Delivery]:
    """What the agent of the block sees (None: the block itself): what is for it or for the whole
    block; everything in a block of one agent.
    """
    if len(block.agents) == 1:
        return [delivery for delivery, _ in arrivals]
    return [delivery for delivery, target in arrivals if target is None or target == agent_id]


def given_arrivals(block: CompiledBlock, given: Mapping[str, BlockOutput]) -> list[Arrival | None]:
    """What given outputs bring to the block: whatever their conditions, connections are taken."""
    outputs = [given.get(link.connection.source) for link in block.incoming]
    return [
        None if output is None else arrival_of(link, output)
        for link, output in zip(block.incoming, outputs, strict=True)
    ]


def edited_arrivals(block: CompiledBlock, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """What arrived, with the values that the block gets instead."""
    return [
        (replace(delivery, value=block.edited[delivery.source]), target)
        if delivery.source in block.edited
        else (delivery, target)
        for delivery, target in arrivals
    ]


def taken_of(block: CompiledBlock, arrivals: Sequence[Arrival | None] | None) -> tuple[str, ...]:
    """The ids of the connections that brought something."""
    links = zip(block.incoming, arrivals or (), strict=False)
    return tuple(link.connection.id for link, arrival in links if arrival is not None)
