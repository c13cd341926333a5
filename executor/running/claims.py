"""Claims queued executions for this process: the write of a worker that has room."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor import states
from executor.following import pubsub
from executor.models import Execution
from executor.recording import admission
from executor.recording.writer import Write
from executor.running.fairness import (
    FairOrder,
    Lane,
    QueuedEntry,
    Room,
    RunningCounts,
    count_running,
    lock_oldest,
)


@dataclass(frozen=True)
class ClaimResult:
    """The claimed executions. `is_left` is true if more are queued that this worker might take
    later, `is_short` if another worker could take some now.
    """

    executions: Sequence[Execution] = ()
    is_left: bool = False
    is_short: bool = False


@dataclass(frozen=True)
class Claimant:
    """A carrier's name, its leases, its callers' turns, and the executions that it carries."""

    owner: str
    lease_seconds: float
    order: FairOrder = field(default_factory=FairOrder)
    carried: Callable[[], Collection[uuid.UUID]] = tuple


class ClaimNext(Write[ClaimResult]):
    """queued → running for this process: as many as it has room for, callers taking turns."""

    rank = 1
    point = "claim"

    def __init__(self, claimant: Claimant, room: Room) -> None:
        super().__init__()
        self.claimant = claimant
        self.room = room
        self.lanes: list[Lane] = []

    @classmethod
    def locks(cls, writes: Sequence[ClaimNext]) -> Iterable[admission.Lock]:
        """Of the deployments and callers with a limit that have queued executions."""
        locks: set[admission.Lock] = set()
        for write in writes:
            write.lanes = write.claimant.order.lanes()
            locks |= locks_of(write.lanes)
        return locks

    @classmethod
    def apply(cls, writes: Sequence[ClaimNext]) -> Sequence[Any]:
        return [_claim_next(write) for write in writes]

    @classmethod
    def committed(cls, writes: Sequence[ClaimNext], answers: Sequence[Any]) -> None:
        for answer in answers:
            for execution in answer.executions:
                pubsub.publish_change(execution.pk, "running")


def _claim_next(write: ClaimNext) -> ClaimResult:
    claimant = write.claimant
    # A try that broke off may have been committed: then these are ours already.
    ours = states.owned(claimant.owner, besides=claimant.carried()) if write.again else {}
    if not write.lanes:
        return ClaimResult([*ours.values()])
    running = count_running()
    room = Room(write.room.slots - len(ours), write.room.held, write.room.share)
    planned = RunningCounts(running.by_deployment.copy(), running.by_caller.copy())
    plan = write.claimant.order.plan(write.lanes, planned, room)
    queued = lock_oldest(plan.counts)
    locks, chosen = locks_of(write.lanes), []
    for entry in sorted(queued, key=lambda entry: entry.id):
        # By its own limits, which may differ from those of the lane's oldest. One with a limit that
        # the oldest lacks waits until it is the oldest: that limit is not locked.
        if locks_of([entry]) <= locks and running.has_room(entry):
            running.add(entry.lane)
            chosen.append(entry.id)
    claimed = states.claim_all(chosen, owner=claimant.owner, lease_seconds=claimant.lease_seconds)
    # Lanes that may have more than what was read.
    number = Counter(entry.lane for entry in queued)
    left = [lane for lane in write.lanes if number[lane] >= plan.counts[lane]]
    return ClaimResult(
        [*ours.values(), *claimed.values()],
        is_left=bool(left),
        is_short=any(lane.caller_key in plan.short for lane in left),
    )


def locks_of(entries: Iterable[Lane | QueuedEntry]) -> set[admission.Lock]:
    locks = set()
    for entry in entries:
        lane = entry if isinstance(entry, Lane) else entry.lane
        if entry.max_concurrent is not None:
            locks.add(admission.deployment_lock(lane.deployment_id))
        if entry.caller_max_concurrent is not None:
            locks.add(admission.caller_lock(lane.caller_key))
    return locks
