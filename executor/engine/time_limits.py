"""How long one answer of an agent may take, and what is said of one that was cut off."""

from __future__ import annotations

import asyncio

from designs.graph.spec import Agent
from executor.engine.journal import StepResult
from executor.engine.step_run import TimeLimit
from executor.engine.words import counted

# Of the time a block has left: the rest is for handing its answers on.
LAST_SHARE = 0.95


def time_limit(agent: Agent, later: int | None, deadline: float | None) -> TimeLimit | None:
    """When the agent's answer is given up while the block continues: by the agent's own limit,
    or by its share of the time that the block has left until its deadline.
    """
    if agent.timeout_seconds is None and (later is None or deadline is None):
        return None
    now = asyncio.get_running_loop().time()
    limits = []
    if agent.timeout_seconds is not None:
        own = counted(agent.timeout_seconds, "second")
        limits.append(
            TimeLimit(now + agent.timeout_seconds, f"it took longer than its limit of {own}.")
        )
    if later is not None and deadline is not None:
        # The agent's own limit replaces the share, but must end before the block does.
        left = deadline - now
        share = LAST_SHARE if limits else share_of_time(later)
        sentence = "it did not come within its share of the time that was left."
        limits.append(TimeLimit(now + left * share, sentence))
    return min(limits, key=lambda limit: limit.at, default=None)


def earlier(first: float | None, second: float | None) -> float | None:
    """The smaller one, or the one that is not None."""
    if first is None or second is None:
        return second if first is None else first
    return min(first, second)


def share_of_time(later: int) -> float:
    """The part of the remaining time that an answer may take when `later` answers follow it."""
    return LAST_SHARE if later == 0 else 1.5 / (later + 1)


def cut_off(agent: Agent, step: StepResult) -> str:
    """A sentence that says which limit cut the answer off."""
    limit, who = agent.max_output_tokens, agent.name or agent.id
    if limit is not None and (step.is_estimated or step.output_tokens >= limit):
        return f"The answer of {who} was cut off at its limit of {counted(limit, 'token')}."
    return f"The answer of {who} was cut off at the length limit of {step.model}."
