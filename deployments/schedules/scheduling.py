"""What a person or program does with schedules: add, change, switch, end, fill in."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from deployments.models import Deployment, Schedule
from deployments.schedules import store
from deployments.schedules.serving import catch_up
from designs.rows.locking import lock_row


def add_schedule(*, deployment: Deployment, fields: dict[str, Any]) -> Schedule:
    """One more schedule for the deployment. Raises ScheduleInvalid, RowGone."""
    with transaction.atomic():
        lock_row(Deployment.objects.present(), deployment.pk)
        return store.add_schedule(deployment=deployment, fields=fields)


def change_schedule(*, schedule: Schedule, fields: dict[str, Any]) -> Schedule:
    """Replace what the schedule says; omitted fields get their defaults. Raises ScheduleInvalid.

    What was due until now is done by what it said before.
    """
    with transaction.atomic():
        _settle(schedule)
        return store.change_schedule(schedule=schedule, fields=fields)


def update_schedule(*, schedule: Schedule, changes: dict[str, Any]) -> Schedule:
    """Change what is given, leave the rest. Raises ScheduleInvalid.

    What was due until now is done by what it said before.
    """
    with transaction.atomic():
        _settle(schedule)
        return store.update_schedule(schedule=schedule, changes=changes)


def switch_schedule(*, schedule: Schedule, enabled: bool) -> Schedule:
    """On or off; also for one whose rule cannot be read. Switched on, it goes on from now."""
    return update_schedule(schedule=schedule, changes={"enabled": enabled})


def remove_schedule(*, schedule: Schedule) -> None:
    """End the schedule; its occurrences go with it, the executions stay."""
    store.remove_schedule(schedule=schedule)


def _settle(schedule: Schedule) -> None:
    store.locked(schedule)
    catch_up([schedule.pk])
