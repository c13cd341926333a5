"""The latest runs of several deployments, for the small charts in lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import OuterRef, Subquery

from designs.access import Caller
from executor.models import LIVE, Execution

SHOWN = 30


@dataclass(frozen=True, slots=True)
class RecentRun:
    id: uuid.UUID
    status: str
    degraded: bool
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    waited_ms: int | None

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
        took = round((self.completed_at - self.started_at).total_seconds() * 1000)
        return max(0, took - (self.waited_ms or 0))


_COLUMNS = (
    "pk", "status", "degraded", "created_at", "started_at", "completed_at", "waited_ms",
)  # fmt: skip


def recent_runs(
    caller: Caller, deployment_ids: Sequence[uuid.UUID], *, most: int = SHOWN
) -> dict[uuid.UUID, list[RecentRun]]:
    """For each deployment its latest runs, oldest first, by two queries for all of them: where the
    latest begin, by the index of each deployment, and these.
    """
    runs: dict[uuid.UUID, list[RecentRun]] = {pk: [] for pk in deployment_ids}
    if not runs or not caller.may("executor.view_execution"):
        return runs
    newest = Execution.objects.filter(deployment=OuterRef("pk")).order_by("-id").values("pk")
    deployments: Any = apps.get_model("deployments", "Deployment")
    begins = deployments.objects.filter(pk__in=runs).order_by()
    begins = begins.values_list("pk", Subquery(newest[most - 1 : most]))
    rows = _from(Execution.objects.for_caller(caller).order_by(), begins)
    for deployment_id, *values in rows.values_list("deployment_id", *_COLUMNS):
        runs[deployment_id].append(RecentRun(*values))
    for found in runs.values():
        found.sort(key=lambda run: run.id)
    return runs


def _from(rows: Any, begins: Iterable[tuple[uuid.UUID, uuid.UUID | None]]) -> Any:
    """The rows of these deployments, of each from its beginning on. Written as SQL: for fifty
    deployments Django takes longer to build the condition than the database to answer.
    """
    table, conditions, values = Execution._meta.db_table, [], []
    stored = Execution._meta.pk.get_db_prep_value
    for pk, begin in begins:
        condition = f'"{table}"."deployment_id" = %s'
        values.append(stored(pk, connection))
        if begin is not None:
            condition += f' AND "{table}"."id" >= %s'
            values.append(stored(begin, connection))
        conditions.append(f"({condition})")
    return rows.extra(where=[" OR ".join(conditions)], params=values) if values else rows.none()  # noqa: S610
