"""Chooses which queued executions a worker takes next, fairly among callers."""

from __future__ import annotations

import heapq
import uuid
from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from executor.models.execution import NO_DEPLOYMENT, Execution

# Lanes read at once; if there are more, the next look continues after the last of them.
MAX_LANES = 1_000
# Callers whose last turn a process remembers.
MAX_REMEMBERED = 10_000

_TABLE = f'"{Execution._meta.db_table}"'
_READY = (
    "status = 'queued' AND cancel_requested_at IS NULL "
    "AND (not_before IS NULL OR not_before <= {now}) "
    "AND (deadline_at IS NULL OR deadline_at > {now})"
)


@dataclass(frozen=True, slots=True)
class Lane:
    """The queued executions of one caller for one deployment (`NO_DEPLOYMENT`: tries of designs),
    with the limits that the oldest of them has.
    """

    caller_key: str
    deployment_id: uuid.UUID
    oldest: uuid.UUID
    max_concurrent: int | None
    caller_max_concurrent: int | None


@dataclass(frozen=True, slots=True)
class QueuedEntry:
    """An execution that may be claimed now."""

    id: uuid.UUID
    lane: Lane
    max_concurrent: int | None
    caller_max_concurrent: int | None


@dataclass
class RunningCounts:
    """The numbers of running executions."""

    by_deployment: Counter[uuid.UUID] = field(default_factory=Counter)
    by_caller: Counter[str] = field(default_factory=Counter)

    def has_room(self, lane: Lane | QueuedEntry) -> bool:
        of = lane if isinstance(lane, Lane) else lane.lane
        return (
            lane.max_concurrent is None
            or self.by_deployment[of.deployment_id] < lane.max_concurrent
        ) and (
            lane.caller_max_concurrent is None
            or self.by_caller[of.caller_key] < lane.caller_max_concurrent
        )

    def add(self, lane: Lane) -> None:
        self.by_deployment[lane.deployment_id] += 1
        self.by_caller[lane.caller_key] += 1


@dataclass(frozen=True)
class Room:
    """A worker's free slots, the number that each caller holds, and the maximum of each."""

    slots: int
    held: Mapping[str, int]
    share: int


@dataclass
class Plan:
    """The number to take from each lane, if it has so many. `short`: callers for whom this worker
    has no more room, while another one could take more of their executions.
    """

    counts: Counter[Lane] = field(default_factory=Counter)
    short: set[str] = field(default_factory=set)


class FairOrder:
    """The order of callers in one process: the fewest running executions first, then the longest
    time since the last turn. Not thread-safe.
    """

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()
        self._count = 0
        self._start = ""

    def lanes(self) -> list[Lane]:
        lanes = read_lanes(self._start, MAX_LANES)
        if self._start and len(lanes) < MAX_LANES:
            known = set(lanes)
            lanes += [lane for lane in read_lanes("", MAX_LANES - len(lanes)) if lane not in known]
        self._start = lanes[-1].caller_key if len(lanes) >= MAX_LANES else ""
        return lanes

    def plan(self, lanes: Sequence[Lane], running: RunningCounts, room: Room) -> Plan:
        """Share out the free slots; adds what is planned to `running`."""
        plan = Plan()
        of_caller: dict[str, list[Lane]] = {}
        for lane in lanes:
            of_caller.setdefault(lane.caller_key, []).append(lane)
        line = [self._rank(key, running, mine) for key, mine in of_caller.items()]
        heapq.heapify(line)
        held = Counter(room.held)
        left = room.slots
        while line:
            key = heapq.heappop(line)[-1]
            open_lanes = [lane for lane in of_caller[key] if running.has_room(lane)]
            if not open_lanes:
                continue
            if left == 0 or held[key] >= room.share:
                plan.short.add(key)
                continue
            # In turns, the one with the oldest execution first.
            chosen = min(open_lanes, key=lambda lane: (plan.counts[lane], lane.oldest))
            plan.counts[chosen] += 1
            running.add(chosen)
            held[key] += 1
            left -= 1
            self._count += 1
            self._last[key] = self._count
            self._last.move_to_end(key)
            heapq.heappush(line, self._rank(key, running, of_caller[key]))
        while len(self._last) > MAX_REMEMBERED:
            self._last.popitem(last=False)
        return plan

    def _rank(self, key: str, running: RunningCounts, lanes: Sequence[Lane]) -> tuple[Any, ...]:
        oldest = min(lane.oldest for lane in lanes)
        return running.by_caller[key], self._last.get(key, -1), oldest, key


def read_lanes(start: str, most: int) -> list[Lane]:
    """Up to `most` lanes, ordered by their callers' keys, from `start` on.

    Steps through an index, so that the cost depends on the lanes, not on the executions in them.
    """
    none = _literal(NO_DEPLOYMENT)
    key = f"n.caller_key, COALESCE(n.deployment_id, {none})"
    # All parts are names and literals of ours.
    first = (
        f"SELECT n.id FROM {_TABLE} n WHERE n.status = 'queued' AND n.caller_key >= %s "  # noqa: S608
        f"ORDER BY {key}, n.id LIMIT 1"
    )
    following = (
        f"SELECT n.id FROM {_TABLE} n WHERE n.status = 'queued' "  # noqa: S608
        f"AND ({key}) > (c.caller_key, COALESCE(c.deployment_id, {none})) "
        f"ORDER BY {key}, n.id LIMIT 1"
    )
    statement = (
        f"WITH RECURSIVE lane(id, number) AS (SELECT ({first}), 1 UNION ALL "  # noqa: S608
        f"SELECT ({following}), lane.number + 1 FROM lane JOIN {_TABLE} c ON c.id = lane.id "
        "WHERE lane.number < %s) "
        "SELECT e.caller_key, e.deployment_id, e.id, e.max_concurrent, e.caller_max_concurrent "
        f"FROM lane JOIN {_TABLE} e ON e.id = lane.id ORDER BY lane.number"
    )
    rows = _rows(statement, [start, most]) if most > 0 else []
    return [
        Lane(caller, _uuid(deployment) or NO_DEPLOYMENT, _uuid(pk) or NO_DEPLOYMENT, *limits)
        for caller, deployment, pk, *limits in rows
    ]


def count_running() -> RunningCounts:
    running = RunningCounts()
    statement = (
        f"SELECT caller_key, deployment_id, COUNT(*) FROM {_TABLE} WHERE status = 'running' "  # noqa: S608
        "GROUP BY caller_key, deployment_id"
    )
    for caller_key, deployment_id, number in _rows(statement, []):
        running.by_caller[caller_key or ""] += number
        if deployment_id is not None:
            running.by_deployment[_uuid(deployment_id) or NO_DEPLOYMENT] += number
    return running


def lock_oldest(counts: Mapping[Lane, int]) -> list[QueuedEntry]:
    """The oldest executions of each lane, up to its count, that may be claimed now. On PostgreSQL
    locks their rows and skips those that are locked.
    """
    if not counts:
        return []
    is_postgres = connection.vendor == "postgresql"
    ready = _READY.format(now="STATEMENT_TIMESTAMP()" if is_postgres else _SQLITE_NOW)
    none = _literal(NO_DEPLOYMENT)
    part = (
        "SELECT * FROM (SELECT %s AS lane, id, max_concurrent, caller_max_concurrent "  # noqa: S608
        f"FROM {_TABLE} WHERE {ready} AND caller_key = %s "
        f"AND COALESCE(deployment_id, {none}) = %s ORDER BY id LIMIT %s"
        + (" FOR UPDATE SKIP LOCKED) AS p" if is_postgres else ")")
    )
    lanes = list(counts)
    queued: list[QueuedEntry] = []
    for start in range(0, len(lanes), MAX_PARTS):
        batch = lanes[start : start + MAX_PARTS]
        values: list[Any] = []
        for number, lane in enumerate(batch):
            pk = lane.deployment_id if is_postgres else lane.deployment_id.hex
            values += [number, lane.caller_key, pk, counts[lane]]
        rows = _rows(" UNION ALL ".join([part] * len(batch)), values)
        queued += [QueuedEntry(_uuid(pk) or NO_DEPLOYMENT, batch[n], *of) for n, pk, *of in rows]
    return queued


# SQLite takes at most 500 parts, each with four values.
MAX_PARTS = 200
_SQLITE_NOW = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"


def _rows(statement: str, values: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _literal(pk: uuid.UUID) -> str:
    """The literal of the index's expression, or the index would not be used."""
    return f"'{pk}'::uuid" if connection.vendor == "postgresql" else f"'{pk.hex}'"


def _uuid(value: Any) -> uuid.UUID | None:
    return uuid.UUID(value) if isinstance(value, str) else value
