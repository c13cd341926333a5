"""Which executions may begin: for which there is room, and which are not behind a line."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import cast

from executor.errors import LineWaits, TooManyAtOnce
from executor.models import Execution
from executor.recording import admission


def behind_a_line(executions: Sequence[Execution]) -> dict[uuid.UUID, Exception]:
    """Those, by id, that may not begin: runs of the same caller and deployment wait in line."""
    lines: dict[admission.Line, list[uuid.UUID]] = {}
    for one in executions:
        lines.setdefault((str(one.caller_key or ""), one.deployment_id), []).append(one.pk)
    waiting = [pks for line, pks in lines.items() if admission.waits(line)]
    return {pk: LineWaits() for pks in waiting for pk in pks}


def without_room(executions: Sequence[Execution]) -> dict[uuid.UUID, TooManyAtOnce]:
    """Those, by id, for which their deployment or their caller has no room, each with what is said.

    Called under the locks of what has a limit.
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
    for one in executions:
        deployment_id, caller_key = cast(uuid.UUID, one.deployment_id), cast(str, one.caller_key)
        if _is_full(one.max_concurrent, of_deployment[deployment_id]):
            refused[one.pk] = _too_many("This deployment", one.max_concurrent)
        elif _is_full(one.caller_max_concurrent, of_caller[caller_key]):
            refused[one.pk] = _too_many("This key", one.caller_max_concurrent)
        else:
            of_deployment[deployment_id] += 1
            of_caller[caller_key] += 1
    return refused


def _is_full(most: int | None, live: int) -> bool:
    return most is not None and live >= most


def _too_many(who: str, most: int | None) -> TooManyAtOnce:
    return TooManyAtOnce(
        f"{who} runs at most {most} executions at once, and all are under way. "
        "Try again in some seconds, or send 'Prefer: respond-async' to wait in line."
    )
