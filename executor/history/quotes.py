"""Hides error texts that may quote a payload from those who may not see payloads."""

from __future__ import annotations

from typing import Any

from designs.access import Caller
from executor.models import Execution

PAYLOAD = "executor.view_payload"
HIDDEN = "The words are hidden, because they may quote inputs or outputs."
# The messages of these classes are our own and quote nothing. Others may contain a rejected value,
# a model's choice, or a server's answer.
PLAIN = frozenset(
    {
        "cancelled", "stopped", "timed_out", "timeout", "worker_lost", "limit", "memory",
        "expression", "internal",
    }
)  # fmt: skip


def error_without_quotes(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """Replaces the message unless its class quotes nothing."""
    if error is None or error.get("class") in PLAIN:
        return error
    return {**error, "message": HIDDEN}


def failures_without_quotes(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [failure for failure in map(error_without_quotes, failures) if failure is not None]


def reasons_without_quotes(reasons: list[str]) -> list[str]:
    return [HIDDEN] if reasons else []


def hide_quotes(caller: Caller, *executions: Execution) -> None:
    """Hide quotes in rows about to be rendered, unless the caller may see payloads. The rows must
    not be saved afterwards.
    """
    if caller.may(PAYLOAD):
        return
    for execution in executions:
        execution.error = error_without_quotes(execution.error)
        execution.degraded_reasons = reasons_without_quotes(execution.degraded_reasons)
