"""Background upkeep of every worker and scheduler: totals, retention, and lists of tools."""

from __future__ import annotations

import logging
import random
import threading

from django.db import DatabaseError, InterfaceError

from deployments.retention import sweep_if_due
from designs.runtime.background import forever
from executor.history.totals import add_up
from executor.tool_connections.rereading import read_hourly

PERIOD_SECONDS = 5.0
REST_SECONDS = 0.05

logger = logging.getLogger(__name__)


def start_upkeep() -> threading.Event:
    """Runs in a daemon thread until the returned event is set."""
    return forever("upkeep", _keep_up, pause=_pause, first_seconds=_pause())


def _pause() -> float:
    return PERIOD_SECONDS * random.uniform(0.8, 1.2)  # noqa: S311 - spreads the load


def _keep_up() -> None:
    try:
        add_up(rest_seconds=REST_SECONDS)
        sweep_if_due()
        read_hourly()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("Upkeep waits for the database: %s", error)
