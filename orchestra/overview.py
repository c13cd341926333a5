"""The figures of the home page, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from deployments.models import Deployment, Schedule
from designs.access import Caller
from executor.following.presence import is_alive
from executor.history.quotes import hide_quotes
from executor.history.totals import a_day_ago, sums_of_last_day
from executor.language_models import registry
from executor.models import Execution, Status

SHOWN = 6
BAD = (Status.FAILED, Status.TIMED_OUT)


@dataclass(frozen=True)
class Overview:
    """Counts and failures are of the last 24 hours, counts since the full hour `since`."""

    since: datetime
    running: int
    ended: int
    failed: int
    cost_usd: Decimal | None
    deployments: int
    latest: list[Execution]
    failures: list[Execution]
    upcoming: list[Schedule]
    models: tuple[str, ...]
    worker_is_up: bool
    scheduler_is_up: bool

    @property
    def success_percent(self) -> int | None:
        return None if not self.ended else round(100 * (self.ended - self.failed) / self.ended)

    @property
    def uses_stand_in(self) -> bool:
        return self.models[0].startswith("offline:")

    @property
    def uses_local_model(self) -> bool:
        return self.models[0].startswith("local:")


def overview(caller: Caller) -> Overview:
    executions = Execution.objects.for_caller(caller)
    day = executions.created_from(timezone.now() - timedelta(hours=24))
    figures = sums_of_last_day(caller)
    failed = figures.failed + figures.timed_out
    deployments = Deployment.objects.for_caller(caller)
    active = deployments.filter(status=Deployment.Status.ACTIVE)
    upcoming = Schedule.objects.filter(deployment__in=active, next_run_at__isnull=False)
    latest = executions.for_list().page(size=SHOWN)[0]
    failures = day.filter(status__in=BAD).for_list().page(size=SHOWN)[0]
    hide_quotes(caller, *latest, *failures)
    return Overview(
        since=a_day_ago(),
        running=executions.busy().count(),
        ended=figures.completed + failed,
        failed=failed,
        cost_usd=figures.cost_usd,
        deployments=deployments.count(),
        latest=latest,
        failures=failures,
        upcoming=list(upcoming.select_related("deployment").order_by("next_run_at")[:SHOWN]),
        models=registry.default_models(),
        worker_is_up=is_alive("worker"),
        scheduler_is_up=is_alive("beat"),
    )
