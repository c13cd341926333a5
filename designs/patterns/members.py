"""Asks several agents at the same time, and tolerates the loss of some of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from designs.graph.spec import Agent
from designs.patterns.base import AgentFailed, BlockFailed
from designs.patterns.prompts import display_name

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class GatheredAnswers(Generic[T]):
    """Answers and failures, both in the order of the agents."""

    answers: dict[str, T]
    missing: tuple[tuple[Agent, str], ...]


def later_turns(count: int, *, at_once: int) -> list[int]:
    """For each of `count` questions, the number of turns that come after its own."""
    turns = -(-count // at_once)
    return [turns - 1 - place // at_once for place in range(count)]


async def ask_all(
    agents: Sequence[Agent],
    ask: Callable[[Agent], Awaitable[T]],
    *,
    needed: int,
    at_once: int,
) -> GatheredAnswers[T]:
    """Ask every agent, at most `at_once` at a time, and wait for all of them.

    As soon as fewer than `needed` can answer, the others are cancelled: raises AgentFailed if all
    were needed, else BlockFailed with every loss. Any other error of `ask` cancels them too.
    """
    gate = asyncio.Semaphore(at_once)
    lost: dict[str, AgentFailed] = {}

    async def one(agent: Agent) -> T | None:
        async with gate:
            try:
                return await ask(agent)
            except AgentFailed as failed:
                lost[agent.id] = failed
                if len(agents) - len(lost) < needed:
                    raise
                return None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(agent)) for agent in agents]
    except BaseExceptionGroup as failures:
        others = [error for error in failures.exceptions if not isinstance(error, AgentFailed)]
        if others or needed == len(agents):
            raise (others or failures.exceptions)[0] from failures
        losses = "; ".join(
            f"{display_name(agent)}: {lost[agent.id].reason}"
            for agent in agents
            if agent.id in lost
        )
        raise BlockFailed(
            f"{needed} of {len(agents)} agents must answer, and too many failed ({losses})"
        ) from failures
    answers = {agent.id: task.result() for agent, task in zip(agents, tasks, strict=True)}
    return GatheredAnswers(
        {agent_id: answer for agent_id, answer in answers.items() if answer is not None},
        tuple((agent, lost[agent.id].reason) for agent in agents if agent.id in lost),
    )


async def in_order(work: Sequence[Coroutine[Any, Any, T]], *, at_once: int) -> list[T]:
    """Await all of `work`, at most `at_once` at a time; results are in the same order.

    The first error cancels the rest and is raised alone.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(job: Coroutine[Any, Any, T]) -> T:
        async with gate:
            return await job

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(job)) for job in work]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    finally:
        for job in work:
            job.close()
    return [task.result() for task in tasks]
