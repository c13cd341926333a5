"""How the installation and a caller's things stand, for the side bar of every page."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass

import redis
from django.core.cache import cache

from deployments.models import Deployment
from designs.access import Caller
from executor.decisions import count_waiting
from executor.following.presence import is_alive
from executor.language_models import registry
from executor.models import Execution
from executor.models.decision import DECIDE

logger = logging.getLogger(__name__)

# Another number for each change of a class that is kept under `key_of`, here or in
# `orchestra.home`: the cache keeps them over an upgrade.
EDITION = 1
# Counting further would cost more than the number tells.
MOST = 999
RECENT_SECONDS = 5
KEPT_SECONDS = 300


@dataclass(frozen=True)
class Processes:
    """What works for everybody, and the model that designs use which name none."""

    model: str
    worker_is_up: bool
    scheduler_is_up: bool

    @property
    def is_up(self) -> bool:
        return self.worker_is_up and self.scheduler_is_up

    @property
    def parts(self) -> tuple[tuple[str, bool], ...]:
        """Each by its name, and whether it is up."""
        return ("Workers", self.worker_is_up), ("Scheduler", self.scheduler_is_up)

    @property
    def words(self) -> str:
        if self.is_up:
            return "Workers and scheduler up"
        if self.worker_is_up:
            return "No scheduler is running"
        return "No worker is running" if self.scheduler_is_up else "No worker, no scheduler"


@dataclass(frozen=True)
class Standing:
    """`failing` deployments are in error, `live` runs have not ended; both of what the caller may
    see, and at most `MOST`. So many `requests` wait for this person's vote.
    """

    failing: int
    live: int
    processes: Processes
    at: float
    # What was kept before there were requests has none.
    requests: int = 0


def processes() -> Processes:
    name = registry.default_models()[0]
    return Processes(name.partition(":")[2] or name, is_alive("worker"), is_alive("beat"))


def standing(caller: Caller) -> Standing:
    """Not older than some seconds; three queries if it must be read."""
    known = known_standing(caller)
    if known is not None and time.time() - known.at < RECENT_SECONDS:
        return known
    deployments = Deployment.objects.for_caller(caller).filter(status=Deployment.Status.ERROR)
    busy = Execution.objects.for_caller(caller).busy().order_by()
    read = Standing(
        failing=_count(deployments),
        live=_count(busy),
        processes=processes(),
        at=time.time(),
        requests=count_waiting(caller) if caller.may(DECIDE) else 0,
    )
    try:
        cache.set(key_of("standing", caller), read, timeout=KEPT_SECONDS)
    except (redis.RedisError, OSError) as error:
        logger.debug("The standing could not be kept: %s", error)
    return read


def known_standing(caller: Caller) -> Standing | None:
    """What was read last, without a query: the side bar brings it up to date by itself."""
    try:
        found = cache.get(key_of("standing", caller))
    except (redis.RedisError, OSError):
        return None
    return found if isinstance(found, Standing) else None


def _count(rows: object) -> int:
    return min(rows.values("pk")[: MOST + 1].count(), MOST)  # type: ignore[attr-defined]


def key_of(what: str, caller: Caller) -> str:
    """The cache's key for what a caller with these rights sees; with others it sees another."""
    rights = (
        caller.user_id, caller.is_superuser, sorted(caller.group_ids), sorted(caller.permissions),
    )  # fmt: skip
    return f"{what}-{EDITION}:{hashlib.sha256(repr(rights).encode()).hexdigest()[:24]}"
