"""The messages of the queue: an execution's id, nothing else."""

from __future__ import annotations

import logging
import uuid

from celery import shared_task
from kombu.exceptions import OperationalError

from executor.worker import perform_execution

logger = logging.getLogger(__name__)


@shared_task(name="executor.run_execution")
def run_execution(e: str) -> None:
    """Start the execution with this id here, if nobody did yet."""
    perform_execution(uuid.UUID(e))


def send_execution(pk: uuid.UUID) -> None:
    """Wake a worker for a queued execution. A failure is only logged: the sweep sends it again."""
    try:
        run_execution.apply_async(kwargs={"e": pk.hex}, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("exec-%s could not be sent to the workers yet: %s", pk.hex, error)
