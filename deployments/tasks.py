"""Celery tasks of deployments."""

import uuid

from celery import shared_task

from deployments.callbacks.deliveries import settle_execution
from deployments.schedules.pausing import settle_schedule
from deployments.schedules.pump import wake_schedules
from executor.following.sending import SETTLE


@shared_task(name="deployments.wake_schedules")
def wake_schedules_task() -> None:
    """The task in our rows of beat, which a stock beat would send: one more call of the pump."""
    wake_schedules()


@shared_task(name=SETTLE)
def settle_execution_task(e: str) -> None:
    """After an execution has ended, or waits: pause its deployment if runs keep failing, send
    callbacks.
    """
    pk = uuid.UUID(e)
    settle_schedule(pk)
    settle_execution(pk)
