"""The callers of sessions, and the runs and designs that callers may see, read for many listeners
at once.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any

from designs.access import Caller
from designs.models import Design
from designs.requests import SessionState, read_sessions
from designs.runtime.gathering import BatchedReads
from designs.runtime.loops import PerLoop
from designs.runtime.threads import in_thread, release_request
from executor.models import Execution

Asked = tuple[Caller, uuid.UUID]

MAX_TOGETHER = 200
# Too short to notice in a stream; while many are opened it batches their reads.
PAUSE_SECONDS = 0.005


async def sees(caller: Caller, pk: uuid.UUID) -> bool:
    # A waiter must not hold the connection that the shared read needs.
    release_request()
    return await _runs.get().ask((caller, pk))


async def sees_design(caller: Caller, pk: uuid.UUID) -> bool:
    release_request()
    return await _designs.get().ask((caller, pk))


async def sitting(key: str | None) -> SessionState:
    release_request()
    return await _sittings.get().ask(key)


def read_sight(asked: Sequence[Asked], rows: Any = Execution.objects) -> dict[Asked, bool]:
    """By one query for all callers with the same rights."""
    by_rights: defaultdict[Any, list[Asked]] = defaultdict(list)
    for caller, pk in asked:
        by_rights[caller.rights].append((caller, pk))
    answers = {}
    for pairs in by_rights.values():
        visible_rows = rows.for_caller(pairs[0][0]).filter(pk__in={pk for _, pk in pairs})
        visible = set(visible_rows.order_by().values_list("pk", flat=True))
        answers.update({(caller, pk): pk in visible for caller, pk in pairs})
    return answers


_runs: PerLoop[BatchedReads[Asked, bool]] = PerLoop(
    partial(
        BatchedReads,
        lambda asked: in_thread(read_sight, asked),
        max_keys=MAX_TOGETHER,
        pause=PAUSE_SECONDS,
    ),
    BatchedReads.close,
)
_designs: PerLoop[BatchedReads[Asked, bool]] = PerLoop(
    partial(
        BatchedReads,
        lambda asked: in_thread(read_sight, asked, Design.objects),
        max_keys=MAX_TOGETHER,
        pause=PAUSE_SECONDS,
    ),
    BatchedReads.close,
)
_sittings: PerLoop[BatchedReads[str | None, SessionState]] = PerLoop(
    partial(
        BatchedReads,
        lambda keys: in_thread(read_sessions, keys),
        max_keys=MAX_TOGETHER,
        pause=PAUSE_SECONDS,
    ),
    BatchedReads.close,
)
