"""Checks which executions may begin: by the limits, and by the queue of the same caller."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from executor.errors import LineWaits, TooManyAtOnce
from executor.models import Execution
from executor.recording import admission


def behind_a_line(executions: Sequence[Execution]) -> dict[uuid.UUID, Exception]:
    """Errors, by id, for executions that may not begin before queued ones of the same caller and
    deployment.
    """
    lines: dict[admission.Line, list[uuid.UUID]] = {}
    for execution in executions:
        line = (str(execution.caller_key or ""), execution.deployment_id)
        lines.setdefault(line, []).append(execution.pk)
    waiting = [pks for line, pks in lines.items() if admission.waits(line)]
    return {pk: LineWaits() for pks in waiting for pk in pks}


def without_room(executions: Sequence[Execution]) -> dict[uuid.UUID, TooManyAtOnce]:
    """Errors, by id, for executions that exceed the limit of their deployment or their caller.

    Called under the locks of these.
    """
    if not executions:
        return {}
    of_deployment = admission.count_live(
        cast(uuid.UUID, e.deployment_id) for e in executions if e.max_concurrent is not None
    )
    of_caller = admission.count_live_of_callers(
        cast(str, e.caller_key) for e in executions if e.caller_max_concurrent is not None
    )
    refused: dict[uuid.UUID, TooManyAtOnce] = {}
    for e in executions:
        deployment_id, caller_key = cast(uuid.UUID, e.deployment_id), cast(str, e.caller_key)
        if _is_full(e.max_concurrent, of_deployment[deployment_id]):
            refused[e.pk] = _too_many("This deployment", e.max_concurrent)
        elif _is_full(e.caller_max_concurrent, of_caller[caller_key]):
            refused[e.pk] = _too_many("This key", e.caller_max_concurrent)
        else:
            of_deployment[deployment_id] += 1
            of_caller[caller_key] += 1
    return refused


def _is_full(maximum: int | None, live: int) -> bool:
    return maximum is not None and live >= maximum


def _too_many(owner: str, maximum: int | None) -> TooManyAtOnce:
    return TooManyAtOnce(
        f"{owner} runs at most {maximum} executions at once, and all are under way. "
        "Try again in some seconds, or send 'Prefer: respond-async' to wait in line."
    )
