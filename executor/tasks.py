"""The tasks of the Celery queue."""

from __future__ import annotations

from celery import shared_task

from executor.decisions import tell_members
from executor.following.sending import TASK, TELL, allow_next_notification
from executor.running.worker import take_work


@shared_task(name=TASK)
def take_work_task() -> None:
    """A notification without data: the worker claims as many rows as it has room for."""
    allow_next_notification()
    take_work()


@shared_task(name=TELL)
def tell_members_task() -> None:
    """Requests were opened: mail to the members of their groups."""
    tell_members()
