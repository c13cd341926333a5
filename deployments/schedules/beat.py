"""Beat's scheduler: publishes nothing for our schedules, but calls the pump every second."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django_celery_beat.schedulers import DatabaseScheduler

from deployments.callbacks.deliveries import sweep_deliveries
from deployments.schedules.pump import wake_schedules
from deployments.schedules.store import TASK

logger = logging.getLogger(__name__)


class LedgerScheduler(DatabaseScheduler):
    """django-celery-beat's scheduler for the foreign tasks that ORCHESTRA_BEAT_TASKS allows.

    Our rows are left to the ledger: beat repeats ticks with two processes or after a kill, and
    loses those of a broker's outage; the ledger does neither.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.max_interval = 1

    def setup_schedule(self) -> None:
        """Without celery's own entries: there are no results to clean up."""
        self.update_from_dict(self.app.conf.beat_schedule)

    def enabled_models_qs(self) -> Any:
        """Only allowed tasks: otherwise a writer of rows could send anything anywhere."""
        allowed = set(settings.ENVIRONMENT.beat_tasks) - {TASK}
        return super().enabled_models_qs().filter(task__in=allowed)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """One round; returns the seconds until just after the next full second."""
        close_old_connections()
        try:
            wake_schedules()
            sweep_deliveries()
        except DatabaseError as error:
            logger.warning("Schedules are waiting for the database: %s", error)
        except Exception:
            logger.exception("Schedules could not be served; retrying in a second.")
        try:
            rest = super().tick(*args, **kwargs)
        except DatabaseError as error:
            logger.warning("Foreign tasks are waiting for the database: %s", error)
            rest = 1.0
        return min(rest, 1.005 - time.time() % 1)
