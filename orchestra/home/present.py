"""What runs, what comes next, and what a person worked on last."""

from __future__ import annotations

import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Subquery, Window
from django.db.models.functions import Coalesce
from django.utils import timezone

from deployments.models import Deployment, Occurrence, Schedule
from designs.access import Caller
from designs.models import Design, DesignVersion
from executor.models import BlockResult, Execution, Status
from executor.models.results import BlockStatus

SHOWN = 6
# More than so many live runs are not counted here.
MAX_LIVE = 200
OPEN = (BlockStatus.PENDING, BlockStatus.RUNNING, BlockStatus.WAITING)
_ORDER = {Status.RUNNING: 0, Status.WAITING: 1, Status.QUEUED: 2}
# Block id → label of versions, which never change.
_labels: OrderedDict[uuid.UUID, Mapping[str, str]] = OrderedDict()
MAX_REMEMBERED = 200


@dataclass(frozen=True)
class LiveRun:
    pk: uuid.UUID
    name: str
    status: str
    since: datetime
    where: str
    settled: int
    blocks: int

    @property
    def progress_words(self) -> str:
        return f"{self.settled} of {self.blocks} blocks done"


@dataclass(frozen=True)
class Live:
    """`queued` may be more if `is_more`; `oldest_at` is when the first of them was accepted.
    `has_waiting`: at least one waits for people or a time, or may.
    """

    runs: Sequence[LiveRun]
    number: int
    queued: int
    oldest_at: datetime | None
    is_more: bool
    has_waiting: bool


def live(caller: Caller) -> Live:
    """Two queries; a third for versions that were not seen running before."""
    rows = Execution.objects.for_caller(caller).live().order_by("id").select_related("design")
    found = list(
        rows.only(
            "status", "created_at", "started_at", "not_before", "version_id", "max_concurrent",
            "design__name",
        )[: MAX_LIVE + 1]
    )  # fmt: skip
    shown = sorted(found, key=lambda run: _ORDER[Status(run.status)])[:SHOWN]
    queued = [run for run in found if run.status == Status.QUEUED]
    return Live(
        runs=_with_progress(shown),
        number=min(len(found), MAX_LIVE),
        queued=len(queued),
        oldest_at=queued[0].created_at if queued else None,
        is_more=len(found) > MAX_LIVE,
        has_waiting=len(found) > MAX_LIVE or any(run.status == Status.WAITING for run in found),
    )


def _with_progress(runs: Sequence[Execution]) -> list[LiveRun]:
    states: dict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    rows = BlockResult.objects.filter(execution__in=[run.pk for run in runs]).order_by()
    for pk, block_id, status in rows.values_list("execution", "block_id", "status"):
        states[pk][block_id] = status
    labels = _labels_of({run.version_id for run in runs if run.version_id})
    return [_live_run(run, states[run.pk], labels.get(run.version_id, {})) for run in runs]


def _live_run(run: Execution, states: Mapping[str, str], labels: Mapping[str, str]) -> LiveRun:
    is_waiting = run.status == Status.WAITING
    there = BlockStatus.WAITING if is_waiting else BlockStatus.RUNNING
    blocks = [name for name, status in states.items() if status == there]
    where = ", ".join(labels.get(name, name) for name in blocks[:2])
    if len(blocks) > 2:
        where += f" and {len(blocks) - 2} more"
    if is_waiting:
        where = f"waiting in {where}" if where else "waiting"
    return LiveRun(
        pk=run.pk,
        name=run.design.name,
        status=run.status,
        since=run.started_at or run.created_at,
        where=_why_queued(run) if run.status == Status.QUEUED else where,
        settled=sum(status not in OPEN for status in states.values()),
        blocks=max(len(labels), len(states)),
    )


def _why_queued(run: Execution) -> str:
    if run.not_before is not None and run.not_before > timezone.now():
        return "waiting for its time"
    return f"queued, {run.max_concurrent} at once" if run.max_concurrent else "queued"


def _labels_of(pks: set[uuid.UUID]) -> dict[Any, Mapping[str, str]]:
    found = {pk: labels for pk in pks if (labels := _labels.get(pk)) is not None}
    if missing := pks - found.keys():
        rows = DesignVersion.objects.filter(pk__in=missing).values_list("pk", "document")
        for pk, document in rows:
            blocks = document.get("blocks", [])
            found[pk] = {block["id"]: block.get("label") or block["id"] for block in blocks}
            _labels[pk] = found[pk]
        while len(_labels) > MAX_REMEMBERED:
            _labels.popitem(last=False)
    return found


# --- Schedules ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Upcoming:
    schedules: Sequence[Schedule]
    number: int
    delay: timedelta | None

    @property
    def delay_ms(self) -> int | None:
        return None if self.delay is None else max(0, round(self.delay / timedelta(milliseconds=1)))


def upcoming(caller: Caller) -> Upcoming:
    """The next scheduled times, how many schedules are on, and how late the latest run started. One
    query.
    """
    rows = Schedule.objects.for_caller(caller).filter(
        next_run_at__isnull=False, deployment__status=Deployment.Status.ACTIVE
    )
    rows = rows.select_related("deployment").only("next_run_at", "deployment__endpoint_path")
    ran = Occurrence.objects.for_caller(caller).filter(outcome=Occurrence.Outcome.RAN)
    latest = ran.order_by("-due_at", "-id").annotate(
        begun_at=Coalesce("execution__started_at", "decided_at")
    )
    rows = rows.annotate(
        number=Window(Count("pk")),
        latest_due_at=Subquery(latest.values("due_at")[:1]),
        latest_begun_at=Subquery(latest.values("begun_at")[:1]),
    )
    shown: list[Any] = list(rows.order_by("next_run_at")[:SHOWN])
    first = next(iter(shown), None)
    if first is None:
        return Upcoming([], 0, None)
    has_delay = first.latest_due_at is not None and first.latest_begun_at is not None
    delay = first.latest_begun_at - first.latest_due_at if has_delay else None
    return Upcoming(shown, first.number, delay)


def recent_designs(caller: Caller) -> list[Design]:
    """What the person changed last."""
    rows = Design.objects.for_caller(caller).filter(changed_by=caller.user_id)
    rows = rows.with_latest_version().defer("draft").order_by("-changed_at")
    return list(rows[: SHOWN - 1])
