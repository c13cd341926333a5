"""Leases of runs: renewed while they go on, given back when their process ends."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from executor import states
from executor.following import pubsub
from executor.models import DecisionRequest, Status
from executor.recording.writer import Write


class Renew(Write[dict[tuple[uuid.UUID, int], bool]]):
    """Renew leases: attempt → True if a cancel was requested. Lost leases are missing in the
    answer.
    """

    rank = 1

    def __init__(self, attempts: Sequence[tuple[uuid.UUID, int]], *, lease_seconds: float) -> None:
        super().__init__()
        self.attempts = attempts
        self.lease_seconds = lease_seconds

    @classmethod
    def apply(cls, writes: Sequence[Renew]) -> Sequence[Any]:
        return [states.renew(w.attempts, lease_seconds=w.lease_seconds) for w in writes]


class GiveBack(Write[Status | None]):
    """running → queued at shut-down, or → cancelled if that was requested."""

    rank = 3

    def __init__(self, pk: uuid.UUID, attempt: int) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt

    @classmethod
    def apply(cls, writes: Sequence[GiveBack]) -> Sequence[Any]:
        answers = [states.give_back(w.pk, attempt=w.attempt) for w in writes]
        given = zip(writes, answers, strict=True)
        ended = [w.pk for w, status in given if status is Status.CANCELLED]
        if ended:
            DecisionRequest.objects.filter(execution__in=ended).withdraw()
        return answers

    @classmethod
    def committed(cls, writes: Sequence[GiveBack], answers: Sequence[Any]) -> None:
        for write, status in zip(writes, answers, strict=True):
            if isinstance(status, Status):
                pubsub.publish_change(write.pk, status)
