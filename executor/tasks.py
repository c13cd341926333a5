"""The messages of the queue."""

from __future__ import annotations

from celery import shared_task

from executor.following.sending import TASK, hear_ring
from executor.running.worker import take_work


@shared_task(name=TASK)
def take_work_task() -> None:
    """There is work: take as much as there is room for, by the rows."""
    hear_ring()
    take_work()
