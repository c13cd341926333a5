"""Messages of the queue that concern deployments."""

from celery import shared_task

from deployments.pump import wake_schedules


@shared_task(name="deployments.wake_schedules")
def wake_schedules_task() -> None:
    """What a stock beat would send for our rows: only another call of the pump."""
    wake_schedules()
