"""Whom sessions speak for and which runs callers see, asked for many listeners together."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from designs.access import Caller
from designs.requests import Sitting, read_sittings
from designs.runtime.gathering import Gathered
from designs.runtime.loops import PerLoop
from designs.runtime.threads import in_thread, release_request
from executor.models import Execution

Asked = tuple[Caller, uuid.UUID]

MAX_TOGETHER = 200
# Nobody notices it in a stream; while many are opened it makes a few readings of many.
PAUSE_SECONDS = 0.005


async def sees(caller: Caller, pk: uuid.UUID) -> bool:
    """Whether the run is there for the caller, by the rows of now."""
    # Who waits for others' reading must not hold the connection that it needs.
    release_request()
    return await _gathered.get().ask((caller, pk))


async def sitting(key: str | None) -> Sitting:
    """What the session says by the rows of now."""
    release_request()
    return await _sittings.get().ask(key)


async def _read_sittings(keys: Sequence[str | None]) -> Mapping[str | None, Sitting]:
    return await in_thread(read_sittings, keys)


async def _read(asked: Sequence[Asked]) -> Mapping[Asked, bool]:
    return await in_thread(read_sight, asked)


def read_sight(asked: Sequence[Asked]) -> dict[Asked, bool]:
    """By one query for all callers with the same rights."""
    by_rights: defaultdict[Any, list[Asked]] = defaultdict(list)
    for one in asked:
        by_rights[one[0].rights].append(one)
    found = {}
    for some in by_rights.values():
        rows = Execution.objects.for_caller(some[0][0]).filter(pk__in={pk for _, pk in some})
        there = set(rows.order_by().values_list("pk", flat=True))
        found.update({one: one[1] in there for one in some})
    return found


def _make() -> Gathered[Asked, bool]:
    return Gathered(_read, most=MAX_TOGETHER, pause=PAUSE_SECONDS)


_gathered = PerLoop(_make, Gathered.close)


def _make_sittings() -> Gathered[str | None, Sitting]:
    return Gathered(_read_sittings, most=MAX_TOGETHER, pause=PAUSE_SECONDS)


_sittings = PerLoop(_make_sittings, Gathered.close)
