"""Messages of the queue that concern deployments."""

import uuid

from celery import shared_task

from deployments.callbacks.deliveries import settle_execution
from deployments.schedules.pausing import settle_schedule
from deployments.schedules.pump import wake_schedules
from executor.following.sending import SETTLE


@shared_task(name="deployments.wake_schedules")
def wake_schedules_task() -> None:
    """What a stock beat would send for our rows: only another call of the pump."""
    wake_schedules()


@shared_task(name=SETTLE)
def settle_execution_task(e: str) -> None:
    """What waits for the end of this execution: its callback, and whether its schedule pauses."""
    pk = uuid.UUID(e)
    settle_schedule(pk)
    settle_execution(pk)
