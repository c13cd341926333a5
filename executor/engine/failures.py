"""Turns what went wrong inside a block into a kind for machines and a sentence for people."""

from __future__ import annotations

import logging

from designs.graph.expressions import ExpressionError
from designs.patterns.base import AgentFailed, BlockFailed
from executor.engine.events import ErrorInfo
from executor.engine.limits import LimitReached
from executor.engine.llm.base import ModelError

logger = logging.getLogger(__name__)

INTERNAL = "Something went wrong inside Orchestra; the server's log says more."
OUT_OF_MEMORY = "more memory was needed than there is for this run."


class StepFailure(AgentFailed):
    """A step failed for good; `error` keeps the class of the failure and the step's key."""

    def __init__(self, agent_id: str, error: ErrorInfo) -> None:
        super().__init__(agent_id, error.message)
        self.error = error


class BlockTimedOut(BlockFailed):
    """The block's own `timeout_seconds` are over."""


class RunStopped(Exception):
    """The whole run is ending: what the block still wanted to do is not done."""


def describe(error: Exception, block_id: str, name: str) -> ErrorInfo:
    """The error of a block, for the history and the answer."""
    inner = _leaf(error)
    if isinstance(inner, StepFailure):
        return _info(
            inner.error.kind, f"Block '{name}': {inner.reason}", block_id, inner.error.step_key
        )
    known = _known(inner)
    if known is None:
        logger.error("Block %s failed inside Orchestra.", block_id, exc_info=error)
        return _info("internal", f"Block '{name}': {INTERNAL}", block_id)
    kind, sentence = known
    return _info(kind, f"Block '{name}': {sentence}", block_id)


def expression_sentence(error: ExpressionError) -> str:
    """What is wrong, and in which expression."""
    message = str(error.message).rstrip()
    if error.source and error.source not in message:
        return f"{message.rstrip('.')} (in the expression: {error.source})."
    return message


def _known(error: Exception) -> tuple[str, str] | None:
    if isinstance(error, ExpressionError):
        return "expression", expression_sentence(error)
    if isinstance(error, AgentFailed):
        return "agent", f"agent '{error.agent_id}' failed: {error.reason}"
    if isinstance(error, BlockTimedOut):
        return "timeout", str(error)
    if isinstance(error, BlockFailed):
        return "block", str(error)
    if isinstance(error, LimitReached):
        return "limit", error.message
    if isinstance(error, ModelError):
        return error.kind.value, error.message
    if isinstance(error, MemoryError):
        return "memory", OUT_OF_MEMORY
    return None


def _leaf(error: Exception) -> Exception:
    """The first failure inside a group: patterns may run their agents in a task group."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error


def _info(kind: str, message: str, block_id: str, step_key: str | None = None) -> ErrorInfo:
    return ErrorInfo(kind=kind, message=message, block_id=block_id, step_key=step_key)
