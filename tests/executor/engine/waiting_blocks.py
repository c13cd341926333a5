"""A block whose agents are asked side by side, or wait, by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from designs.graph.spec import Agent, Block
from designs.patterns.base import BlockOutput, Need, RunContext
from designs.patterns.catalogue import PALETTE, check_document
from designs.patterns.sequential import Sequential
from executor.engine.compile import CompiledGraph, compile_graph
from executor.engine.context import Outcome, Timing
from executor.engine.journal import StepResult
from tests.executor.engine.stage import Played, Stage, play
from tests.graphs import Json, asking, design
from tests.memory_journal import MemoryJournal

NOW = 1_000_000.0


class Members(Sequential):
    """An agent named `waits…` waits for a decision, `sleeps_<seconds>` for a time; others answer.

    The output is what became of each.
    """

    async def run(self, block: Block, settings: Any, context: RunContext) -> BlockOutput:
        async with asyncio.TaskGroup() as group:
            tasks = {
                agent.id: group.create_task(self._play(block, agent, context))
                for agent in block.agents
            }
        return BlockOutput({name: task.result() for name, task in tasks.items()})

    async def _play(self, block: Block, agent: Agent, context: RunContext) -> Any:
        word, _, seconds = agent.id.partition("_")
        if word.startswith("waits"):
            return dict(await context.wait_for(Need(key(block.id, agent.id), "approval", block.id)))
        if word == "sleeps":
            due_at = context.now() + float(seconds)
            need = Need(f"{block.id}/-/1/until", "time", block.id, due_at=due_at)
            return dict(await context.wait_for(need))
        answer = await context.ask(agent, (), purpose="work")
        return answer.text


def key(block_id: str, agent_id: str) -> str:
    return f"{block_id}/{agent_id}/1/approval"


def members(block_id: str, *agents: str, **more: Any) -> Json:
    return asking(block_id, *agents, **more)


def compiled(raw: Json) -> CompiledGraph:
    checked = check_document(raw)
    assert checked.graph is not None, checked.problems
    return compile_graph(checked.graph, {**PALETTE, "sequential": Members()})


async def play_waiting(
    blocks: list[Json],
    connections: list[Json] | tuple[()] = (),
    stage: Stage | None = None,
    *,
    steps: dict[str, StepResult] | None = None,
    decisions: Mapping[str, Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Played:
    journal = MemoryJournal(steps)
    raw = design(blocks, connections)
    return await play(compiled(raw), stage, journal=journal, decisions=decisions or {}, **changes)


def waited_for(outcome: Outcome) -> list[str]:
    return [need.key for need in outcome.needs]


def clock(at: float = 0.0) -> Timing:
    """The time of the loop as a time of day, `at` seconds after NOW."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    return Timing(now=lambda: NOW + at + loop.time() - began)
