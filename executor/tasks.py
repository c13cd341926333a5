"""The messages of the queue: an execution's id, nothing else."""

from __future__ import annotations

import uuid

from celery import shared_task

from executor.sending import TASK
from executor.worker import start_execution


@shared_task(name=TASK)
def run_execution(e: str) -> None:
    """Start the execution with this id here, if nobody did yet."""
    start_execution(uuid.UUID(e))
