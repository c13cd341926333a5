"""The messages of the queue."""

from __future__ import annotations

from celery import shared_task

from executor.following.sending import TASK, allow_next_notification
from executor.running.worker import take_work


@shared_task(name=TASK)
def take_work_task() -> None:
    """There is work: take as much as there is room for, by the rows."""
    allow_next_notification()
    take_work()
