"""The latest runs of several deployments, for the small charts in lists."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, Subquery, Value
from django.db.models.functions import Coalesce

from designs.access import Caller
from executor.models import LIVE, Execution
from executor.models.execution import NO_DEPLOYMENT

SHOWN = 30


@dataclass(frozen=True, slots=True)
class RecentRun:
    id: uuid.UUID
    status: str
    degraded: bool
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    @property
    def state(self) -> str:
        return "degraded" if self.degraded else self.status

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def has_failed(self) -> bool:
        return self.status in ("failed", "timed_out")

    @property
    def duration_ms(self) -> int | None:
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0, round((self.completed_at - self.started_at).total_seconds() * 1000))


_COLUMNS = ("pk", "status", "degraded", "created_at", "started_at", "completed_at")


def recent_runs(
    caller: Caller, deployment_ids: Sequence[uuid.UUID], *, most: int = SHOWN
) -> dict[uuid.UUID, list[RecentRun]]:
    """For each deployment its latest runs, oldest first, by one query for all of them.

    Each part of it reads `most` entries of the index of one deployment.
    """
    runs: dict[uuid.UUID, list[RecentRun]] = {pk: [] for pk in deployment_ids}
    if not runs or not caller.may("executor.view_execution"):
        return runs
    wanted = Q()
    for pk in runs:
        wanted |= Q(deployment_id=pk, id__gte=_oldest(pk, most))
    rows = Execution.objects.for_caller(caller).filter(wanted).order_by()
    for deployment_id, *values in rows.values_list("deployment_id", *_COLUMNS):
        runs[deployment_id].append(RecentRun(*values))
    for found in runs.values():
        found.sort(key=lambda run: run.id)
    return runs


def _oldest(deployment_id: uuid.UUID, most: int) -> Any:
    newest = Execution.objects.filter(deployment_id=deployment_id).order_by("-id")
    return Coalesce(Subquery(newest.values("pk")[most - 1 : most]), Value(NO_DEPLOYMENT))
