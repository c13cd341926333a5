"""What needs somebody: each a sentence, why, and one verb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import DateTimeField, F, TextField, Value
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils import timezone

from deployments.models import ApiKey, Deployment, Schedule
from designs.access import Caller
from executor.history.recent import recent_runs
from executor.models import ModelConnection
from orchestra.frame.standing import Processes
from orchestra.home.causes import Failures
from orchestra.home.figures import Figures

KEY, DEPLOYMENT, SCHEDULE, CONNECTION = "key", "deployment", "schedule", "connection"
ALIKE = 3
WEEK = timedelta(days=7)
# Who has more of them reads the lists.
MAX_OF_KIND = 5
MAX_ROWS = 20
# Deployments whose latest runs are looked at, and what is too much of a run's last ones: less than
# so many say nothing.
MAX_JUDGED = 20
LEAST_RUNS = 5
DEGRADED_SHARE = 0.2


@dataclass(frozen=True)
class Need:
    """`name` begins the sentence, in bold; `since` may follow it as a time. `state` is its sign."""

    key: str
    state: str
    name: str
    text: str
    why: str = ""
    verb: str = ""
    url: str = ""
    is_code: bool = False
    since: Any = None
    until: Any = None


def needs(
    caller: Caller, working: Processes, shown: Figures, causes: Sequence[Failures]
) -> list[Need]:
    """The gravest first. One query, and two if a deployment had degraded runs."""
    rows = _rows(caller)
    return [
        *_processes(working),
        *_alike(causes),
        *(_about_row(caller, row) for row in rows if row.kind != KEY),
        *_degraded(caller, shown),
        *(_about_row(caller, row) for row in rows if row.kind == KEY),
    ]


def _processes(working: Processes) -> Iterator[Need]:
    if not working.worker_is_up:
        text = "Runs stay queued until one starts."
        yield Need("worker", "failed", "No worker is running.", text)
    if not working.scheduler_is_up:
        text = "Schedules wait, and catch up when one starts."
        yield Need("scheduler", "failed", "No scheduler is running.", text)


def _alike(causes: Iterable[Failures]) -> Iterator[Need]:
    many = [row for row in causes if row.cause and row.in_last_hour >= ALIKE]
    for row in many[:MAX_OF_KIND]:
        yield Need(
            f"cause-{row.latest_id}",
            row.status,
            f"{row.in_last_hour:,} runs failed the same way",
            f"{row.label}.",
            why=row.counted_paths,
            verb="Open the latest",
            url=reverse("executor:execution-detail", args=[row.latest_id]),
            since=row.since,
        )


class _Row(NamedTuple):
    """A row that needs somebody, whatever it is. `parent` is the deployment of a schedule."""

    until: datetime | None
    kind: str
    pk: str
    parent: str
    name: str
    why: str


def _rows(caller: Caller) -> list[_Row]:
    """Of four tables by one query: keys are the last, by when they end. They are its first part,
    whose time gives the column its type.
    """
    now = timezone.now()
    keys = ApiKey.objects.for_caller(caller).filter(
        expires_at__gt=now,
        expires_at__lte=now + WEEK,
        revoked_at=None,
        last_used_at__gte=now - WEEK,
    )
    deployments = Deployment.objects.for_caller(caller).filter(status=Deployment.Status.ERROR)
    schedules = Schedule.objects.for_caller(caller).exclude(error="")
    connections = ModelConnection.objects.for_caller(caller)
    parts = [
        _part(keys, KEY, F("name"), F("prefix"), until=F("expires_at")),
        _part(deployments, DEPLOYMENT, F("endpoint_path"), F("status_reason")),
        _part(
            schedules,
            SCHEDULE,
            F("deployment__endpoint_path"),
            F("error"),
            parent=Cast("deployment_id", TextField()),
        ),
        _part(
            connections.filter(is_enabled=True, test_passed=False),
            CONNECTION,
            F("name"),
            F("test_sentence"),
        ),
    ]
    rows = parts[0].union(*parts[1:], all=True)
    rows = rows.order_by(F("ends_at").asc(nulls_first=True))
    return [_Row(*row) for row in rows[:MAX_ROWS]]


def _part(rows: Any, kind: str, name: Any, why: Any, *, until: Any = None, parent: Any = "") -> Any:
    none = Value(None, output_field=DateTimeField())
    return (
        rows.order_by()
        .annotate(ends_at=until or none)
        .values_list(
            "ends_at",
            Value(kind, output_field=TextField()),
            Cast("pk", TextField()),
            parent or Value("", output_field=TextField()),
            Cast(name, TextField()),
            Cast(why, TextField()),
        )
    )


def _about_row(caller: Caller, row: _Row) -> Need:
    return _ABOUT[row.kind](caller, row)


def _paused(caller: Caller, row: _Row) -> Need:
    url = reverse("deployments:deployment-detail", args=[UUID(row.pk)])
    text = "is paused and takes no calls."
    return Need(f"deployment-{row.pk}", "failed", row.name, text, row.why, "Open", url, True)


def _unable(caller: Caller, row: _Row) -> Need:
    url = reverse("deployments:schedule-detail", args=[UUID(row.parent), UUID(row.pk)])
    text = "has a schedule that cannot run."
    return Need(f"schedule-{row.pk}", "failed", row.name, text, row.why, "Open", url, True)


def _failing(caller: Caller, row: _Row) -> Need:
    url = reverse("executor:connection-list")
    if caller.may("executor.change_modelconnection"):
        url = reverse("executor:connection-edit", args=[row.pk])
    name, text = f"The connection {row.name}", "failed its last test."
    return Need(f"connection-{row.pk}", "failed", name, text, row.why, "Open", url)


def _ending(caller: Caller, row: _Row) -> Need:
    may_add = caller.may("deployments.add_apikey")
    return Need(
        f"key-{row.pk}",
        "waiting",
        f"The key {row.name or f'orc_{row.why}_…'}",
        "expires",
        why="It was used this week. Create another, and give it to who uses this one.",
        verb="New key" if may_add else "Open",
        url=reverse("deployments:key-new" if may_add else "deployments:key-list"),
        until=row.until,
    )


_ABOUT = {DEPLOYMENT: _paused, SCHEDULE: _unable, CONNECTION: _failing, KEY: _ending}


def _degraded(caller: Caller, shown: Figures) -> Iterator[Need]:
    """Of those with degraded runs in the window, by their latest runs."""
    rows = sorted(shown.degraded, key=lambda row: -row.degraded)[:MAX_JUDGED]
    recent = recent_runs(caller, [row.deployment_id for row in rows])
    found = []
    for row in rows:
        ended = [run for run in recent[row.deployment_id] if not run.is_live]
        degraded = sum(run.degraded for run in ended)
        if len(ended) >= LEAST_RUNS and degraded > DEGRADED_SHARE * len(ended):
            found.append((degraded / len(ended), degraded, len(ended), row))
    found.sort(key=lambda one: (-one[0], one[3].path))
    for _, degraded, runs, row in found[:MAX_OF_KIND]:
        query = urlencode({"deployment": row.deployment_id, "degraded": "true"})
        yield Need(
            f"degraded-{row.deployment_id}",
            "degraded",
            row.path,
            f"was degraded in {degraded} of the last {runs} runs.",
            why="Its results have parts missing.",
            verb="Open them",
            url=f"{reverse('executor:execution-list')}?{query}",
            is_code=True,
        )
