"""What is told of a failure to those who may not see payloads: nothing that may quote one."""

from __future__ import annotations

from typing import Any

from designs.access import Caller
from executor.models import Execution

PAYLOAD = "executor.view_payload"
HIDDEN = "The words are hidden, because they may quote inputs or outputs."
# These sentences are ours and quote nothing. Others may hold what a schema refused, what a model
# chose, or what a server said.
PLAIN = frozenset(
    {
        "cancelled", "stopped", "timed_out", "timeout", "worker_lost", "limit", "memory",
        "expression", "internal",
    }
)  # fmt: skip


def error_without_quotes(error: dict[str, Any] | None) -> dict[str, Any] | None:
    """The class and the place of an error, with its sentence only where that quotes nothing."""
    if error is None or error.get("class") in PLAIN:
        return error
    return {**error, "message": HIDDEN}


def failures_without_quotes(failures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """When which model failed, and how, in plain words alone."""
    return [failure for failure in map(error_without_quotes, failures) if failure is not None]


def reasons_without_quotes(reasons: list[str]) -> list[str]:
    """That there are reasons, without their words."""
    return [HIDDEN] if reasons else []


def hide_quotes(caller: Caller, *executions: Execution) -> None:
    """Take the words that may quote a payload from rows about to be shown, unless the caller may
    read them. The rows must not be saved afterwards.
    """
    if caller.may(PAYLOAD):
        return
    for execution in executions:
        execution.error = error_without_quotes(execution.error)
        execution.degraded_reasons = reasons_without_quotes(execution.degraded_reasons)
