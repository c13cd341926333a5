"""Describes the failure of a block: a kind for machines and a sentence for people."""

from __future__ import annotations

import logging
from dataclasses import replace

from designs.graph.expressions import ExpressionError
from designs.graph.spec import Agent, Connection
from designs.patterns.base import AgentFailed, BlockFailed, NestedFailed
from executor.engine.events import BROKEN_OFF, ErrorInfo
from executor.engine.journal import StepResult
from executor.engine.limits import LimitReached
from executor.engine.llm.base import ModelError

logger = logging.getLogger(__name__)

INTERNAL = "Something went wrong inside Orchestra; the server's log says more."
OUT_OF_MEMORY = "more memory was needed than there is for this run."


class StepFailure(AgentFailed):
    """A step failed finally; `error` has the kind of the failure and the step's key."""

    def __init__(self, agent_id: str, error: ErrorInfo) -> None:
        super().__init__(agent_id, error.message)
        self.error = error


class FailedBefore(Exception):
    """The block had failed with this error when the run was let go."""

    def __init__(self, error: ErrorInfo) -> None:
        super().__init__(error.message)
        self.error = error


class NestedFailure(NestedFailed):
    """What a block plays has failed; `error` says of what kind, and at which step."""

    def __init__(self, where: str, error: ErrorInfo) -> None:
        super().__init__(where, error.message)
        self.error = error


class BlockTimedOut(BlockFailed):
    """The block's own `timeout_seconds` have passed."""


class RunStopped(Exception):
    """The whole run is ending, so the block must not go on."""


def failure_before(agent: Agent, step: StepResult | None) -> StepFailure | None:
    """The failure of a question as its step has it; None if it was only broken off."""
    if step is None or not step.failures or step.failures[-1].kind in BROKEN_OFF:
        return None
    last, who = step.failures[-1], agent.name or agent.id
    message = f"agent '{who}' got no answer: {last.message}"
    return StepFailure(
        agent.id,
        ErrorInfo(
            last.kind, message, step.block_id, step.key, last.model or None, tries=step.failures
        ),
    )


def describe(error: Exception, block_id: str, name: str) -> ErrorInfo:
    cause = error
    while isinstance(cause, ExceptionGroup):
        # Patterns may run their agents in a task group: the first failure counts.
        cause = cause.exceptions[0]
    if isinstance(cause, FailedBefore):
        return cause.error
    if isinstance(cause, StepFailure):
        return replace(cause.error, message=f"Block '{name}': {cause.reason}", block_id=block_id)
    if isinstance(cause, NestedFailure):
        # The chain of blocks, from the outermost to the one that failed.
        who = f"Block '{name}', {cause.where}" if cause.where else f"Block '{name}'"
        return replace(cause.error, message=f"{who}: {cause.reason}", block_id=block_id)
    kind, sentence = _kind_and_sentence(cause)
    if kind == "internal":
        logger.error("Block %s failed inside Orchestra.", block_id, exc_info=error)
    return ErrorInfo(kind, f"Block '{name}': {sentence}", block_id)


def condition_sentence(connection: Connection, error: ExpressionError) -> str:
    ends = f"({connection.source} to {connection.target})"
    return f"Condition of connection '{connection.id}' {ends}: {expression_sentence(error)}"


def expression_sentence(error: ExpressionError) -> str:
    """The error, and the expression it is in."""
    message = str(error.message).rstrip()
    if error.source and error.source not in message:
        return f"{message.rstrip('.')} (in the expression: {error.source})."
    return message


def _kind_and_sentence(error: Exception) -> tuple[str, str]:
    if isinstance(error, ExpressionError):
        return "expression", expression_sentence(error)
    if isinstance(error, AgentFailed):
        return "agent", f"agent '{error.agent_id}' failed: {error.reason}"
    if isinstance(error, BlockTimedOut):
        return "timeout", str(error)
    if isinstance(error, BlockFailed):
        return error.kind, str(error)
    if isinstance(error, LimitReached):
        return "limit", error.message
    if isinstance(error, ModelError):
        return error.kind.value, error.message
    if isinstance(error, MemoryError):
        return "memory", OUT_OF_MEMORY
    return "internal", INTERNAL
