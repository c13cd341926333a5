"""Taking queued executions into this process: what a worker writes when it has room."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor import states
from executor.following import pubsub
from executor.models import Execution
from executor.models.execution import NO_DEPLOYMENT
from executor.recording import admission
from executor.recording.writer import Write
from executor.running.fairness import (
    FairOrder,
    Lane,
    Plan,
    Queued,
    Room,
    Running,
    count_running,
    lock_oldest,
)


@dataclass(frozen=True)
class Taken:
    """What a worker got. `is_left` is true if more waits that it might take later, `is_short` if
    there is some that another worker could take now.
    """

    executions: Sequence[Execution] = ()
    is_left: bool = False
    is_short: bool = False


@dataclass(frozen=True)
class Taker:
    """Who takes: a carrier's name, its leases, its callers' turns, and what it carries already."""

    owner: str
    lease_seconds: float
    order: FairOrder = field(default_factory=FairOrder)
    carried: Callable[[], Collection[uuid.UUID]] = tuple


class Take(Write[Taken]):
    """queued → running for this process: as many as it has room for, each caller in its turn."""

    rank = 1
    point = "claim"

    def __init__(self, taker: Taker, room: Room) -> None:
        super().__init__()
        self.taker = taker
        self.room = room
        self.lanes: list[Lane] = []

    @classmethod
    def locks(cls, writes: Sequence[Take]) -> Iterable[admission.Lock]:
        """Of the deployments and callers with a limit that have something in the queue."""
        found: set[admission.Lock] = set()
        for write in writes:
            write.lanes = write.taker.order.lanes()
            found |= _locks(write.lanes)
        return found

    @classmethod
    def apply(cls, writes: Sequence[Take]) -> Sequence[Any]:
        return [_take(write) for write in writes]

    @classmethod
    def committed(cls, writes: Sequence[Take]) -> None:
        for write in writes:
            for execution in write.done.result().executions:
                pubsub.publish_change(execution.pk, "running")


class Claim(Write[Execution | None]):
    """queued → running for this process: this one execution, whatever its turn."""

    rank = 1
    point = "claim"

    def __init__(self, pk: uuid.UUID, *, owner: str, lease_seconds: float) -> None:
        super().__init__()
        self.pk = pk
        self.owner = owner
        self.lease_seconds = lease_seconds
        self.lane: Lane | None = None

    @classmethod
    def locks(cls, writes: Sequence[Claim]) -> Iterable[admission.Lock]:
        lanes = _lanes_of(write.pk for write in writes)
        for write in writes:
            write.lane = lanes.get(write.pk)
        return _locks(lanes.values())

    @classmethod
    def apply(cls, writes: Sequence[Claim]) -> Sequence[Any]:
        return [None if write.lane is None else _claim(write, write.lane) for write in writes]

    @classmethod
    def committed(cls, writes: Sequence[Claim]) -> None:
        for write in writes:
            if write.done.result() is not None:
                pubsub.publish_change(write.pk, "running")


def _take(write: Take) -> Taken:
    taker = write.taker
    # Of a try that broke off nobody knows whether it was committed: then these are ours already.
    ours = states.owned(taker.owner, besides=taker.carried()) if write.again else {}
    if not write.lanes:
        return Taken([*ours.values()])
    running = count_running()
    room = Room(write.room.slots - len(ours), write.room.held, write.room.share)
    plan = write.taker.order.plan(write.lanes, _copy(running), room)
    found = lock_oldest(plan.counts)
    chosen = _within_limits(found, running, _locks(write.lanes))
    claimed = states.claim_all(
        [one.id for one in chosen], owner=taker.owner, lease_seconds=taker.lease_seconds
    )
    left = _unfinished(write.lanes, plan, found)
    return Taken(
        [*ours.values(), *claimed.values()],
        is_left=bool(left),
        is_short=any(lane.caller_key in plan.short for lane in left),
    )


def _claim(write: Claim, lane: Lane) -> Execution | None:
    one = Queued(write.pk, lane, lane.max_concurrent, lane.caller_max_concurrent)
    if not count_running().has_room(one):
        return None
    return states.claim(write.pk, owner=write.owner, lease_seconds=write.lease_seconds)


def _within_limits(
    found: Sequence[Queued], running: Running, locks: Collection[admission.Lock]
) -> list[Queued]:
    """Those that the limits let run: each row's own, which may differ from its lane's oldest.

    One whose limit the oldest did not have waits until it is the oldest: nothing was locked for it.
    """
    chosen = []
    for one in sorted(found, key=lambda queued: queued.id):
        if _locks([one]) <= set(locks) and running.has_room(one):
            running.add(one.lane)
            chosen.append(one)
    return chosen


def _unfinished(lanes: Sequence[Lane], plan: Plan, found: Sequence[Queued]) -> list[Lane]:
    """The lanes that may have more than what was found in them."""
    number = Counter(one.lane for one in found)
    return [lane for lane in lanes if number[lane] >= plan.counts[lane]]


def _locks(lanes: Iterable[Lane | Queued]) -> set[admission.Lock]:
    found = set()
    for one in lanes:
        lane = one if isinstance(one, Lane) else one.lane
        if one.max_concurrent is not None:
            found.add(admission.deployment_lock(lane.deployment_id))
        if one.caller_max_concurrent is not None:
            found.add(admission.caller_lock(lane.caller_key))
    return found


def _copy(running: Running) -> Running:
    return Running(running.by_deployment.copy(), running.by_caller.copy())


def _lanes_of(pks: Iterable[uuid.UUID]) -> Mapping[uuid.UUID, Lane]:
    columns = ("pk", "caller_key", "deployment_id", "max_concurrent", "caller_max_concurrent")
    rows = Execution.objects.queued().filter(pk__in=set(pks)).values_list(*columns)
    return {
        pk: Lane(caller or "", deployment or NO_DEPLOYMENT, pk, *limits)
        for pk, caller, deployment, *limits in rows
    }
