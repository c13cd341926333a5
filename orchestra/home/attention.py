"""What needs somebody: each a sentence, why, and one verb."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from deployments.models import ApiKey, Deployment, Schedule
from designs.access import Caller
from executor.models import ModelConnection
from orchestra.home.causes import Failures
from orchestra.home.figures import Figures
from orchestra.standing import Processes

ALIKE = 3
WEEK = timedelta(days=7)
# Of each kind: who has more of them reads the list.
MAX_OF_KIND = 5


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
    """The gravest first. Four queries."""
    return [
        *_processes(working),
        *_alike(causes),
        *_paused(caller),
        *_schedules(caller),
        *_connections(caller),
        *_degraded(shown),
        *_keys(caller),
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


def _paused(caller: Caller) -> Iterator[Need]:
    rows = Deployment.objects.for_caller(caller).filter(status=Deployment.Status.ERROR)
    rows = rows.order_by("endpoint_path").values_list("pk", "endpoint_path", "status_reason")
    for pk, path, reason in rows[:MAX_OF_KIND]:
        url = reverse("deployments:deployment-detail", args=[pk])
        text = "is paused and takes no calls."
        yield Need(f"deployment-{pk}", "failed", path, text, reason, "Open", url, is_code=True)


def _schedules(caller: Caller) -> Iterator[Need]:
    rows = Schedule.objects.for_caller(caller).exclude(error="").order_by("pk")
    columns = ("pk", "deployment_id", "deployment__endpoint_path", "error")
    for pk, deployment, path, error in rows.values_list(*columns)[:MAX_OF_KIND]:
        url = reverse("deployments:schedule-detail", args=[deployment, pk])
        text = "has a schedule that cannot run."
        yield Need(f"schedule-{pk}", "failed", path, text, error, "Open", url, is_code=True)


def _connections(caller: Caller) -> Iterator[Need]:
    rows = ModelConnection.objects.for_caller(caller)
    rows = rows.filter(is_enabled=True, test_passed=False).order_by("name")
    may_change = caller.may("executor.change_modelconnection")
    for pk, name, sentence in rows.values_list("pk", "name", "test_sentence")[:MAX_OF_KIND]:
        url = reverse("executor:connection-list")
        if may_change:
            url = reverse("executor:connection-edit", args=[pk])
        text = "failed its last test."
        yield Need(
            f"connection-{pk}", "failed", f"The connection {name}", text, sentence, "Open", url
        )


def _degraded(shown: Figures) -> Iterator[Need]:
    rows = sorted(shown.degraded, key=lambda row: -row.degraded)
    for row in rows[:MAX_OF_KIND]:
        query = urlencode({"deployment": row.deployment_id, "degraded": "true"})
        yield Need(
            f"degraded-{row.deployment_id}",
            "degraded",
            row.path,
            f"was degraded in {row.degraded:,} of its {row.runs:,} runs "
            f"in the last {shown.window.words}.",
            why="Its results have parts missing.",
            verb="Open them",
            url=f"{reverse('executor:execution-list')}?{query}",
            is_code=True,
        )


def _keys(caller: Caller) -> Iterator[Need]:
    """Keys in use that will end: of those that a caller may manage."""
    now = timezone.now()
    rows = ApiKey.objects.for_caller(caller).filter(
        expires_at__gt=now,
        expires_at__lte=now + WEEK,
        revoked_at=None,
        last_used_at__gte=now - WEEK,
    )
    may_rotate = caller.may("deployments.add_apikey")
    for row in rows.order_by("expires_at")[:MAX_OF_KIND]:
        url = reverse("deployments:key-list")
        if may_rotate:
            url = reverse("deployments:key-new")
        yield Need(
            f"key-{row.pk}",
            "waiting",
            f"The key {row.name or row}",
            "expires",
            why="It was used this week. Create another, and give it to who uses this one.",
            verb="New key" if may_rotate else "Open",
            url=url,
            until=row.expires_at,
        )
