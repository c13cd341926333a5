"""Who has a draft open at the moment, in the cache: each tab reports every 20 seconds."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import sleep
from typing import Any

import redis
from django.core.cache import cache

logger = logging.getLogger(__name__)

# Another number for each change of the classes below, which the cache keeps over an upgrade.
PREFIX = "draft-people-1:"

KEPT_SECONDS = 45
MAX_PEOPLE = 50
MAX_TABS = 4
# Reports of a draft take turns. One whose turn never comes is noted all the same: at worst, another
# is missing until its next report.
TRIES, TRY_SECONDS = 50, 0.01
LOCK_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Person:
    """`user` is the user name, `name` what others read."""

    user_id: int
    user: str
    name: str
    initials: str


@dataclass(frozen=True, slots=True)
class Tab:
    """An open tab of a person. `since` is when its block was selected, `at` its last report."""

    person: Person
    tab: str
    block: str | None
    since: float
    at: float


def report(design_id: uuid.UUID, person: Person, tab: str, block: str | None) -> list[Tab]:
    """Note this tab, and return the others' people, each with the tab in which they did something
    last. Without the cache there is nobody.
    """
    key, now = PREFIX + design_id.hex, time.time()
    try:
        with _turn(key):
            tabs = [known for known in cache.get(key) or () if now - known.at < KEPT_SECONDS]
            tabs = _with(tabs, person, tab, block, now)
            cache.set(key, tabs, timeout=KEPT_SECONDS)
    except (redis.RedisError, OSError) as error:
        logger.debug("Who has a draft open could not be noted: %s", error)
        return []
    return _others(tabs, person)


@contextmanager
def _turn(key: str) -> Iterator[None]:
    lock, has_turn = f"{key}:lock", False
    for _ in range(TRIES):
        has_turn = cache.add(lock, True, timeout=LOCK_SECONDS)
        if has_turn:
            break
        sleep(TRY_SECONDS)
    try:
        yield
    finally:
        # Another's turn is not ended.
        if has_turn:
            cache.delete(lock)


def _with(tabs: list[Tab], person: Person, tab: str, block: str | None, now: float) -> list[Tab]:
    """The tabs with this one, newest report first, in bounds."""
    since = now
    for known in tabs:
        if (known.person.user_id, known.tab, known.block) == (person.user_id, tab, block):
            since = known.since
    found = [Tab(person, tab, block, since, now)]
    counts: dict[int, int] = {person.user_id: 1}
    for known in tabs:
        user_id = known.person.user_id
        count = counts.get(user_id, 0)
        if (user_id, known.tab) == (person.user_id, tab) or count >= MAX_TABS:
            continue
        if count or len(counts) < MAX_PEOPLE:
            counts[user_id] = count + 1
            found.append(known)
    return found


def _others(tabs: list[Tab], person: Person) -> list[Tab]:
    """In the order of their names, so that faces keep their places."""
    latest: dict[int, Tab] = {}
    for tab in tabs:
        user_id = tab.person.user_id
        if user_id != person.user_id and (
            user_id not in latest or _activity(tab) > _activity(latest[user_id])
        ):
            latest[user_id] = tab
    return sorted(latest.values(), key=lambda tab: (tab.person.name, tab.person.user_id))


def _activity(tab: Tab) -> tuple[Any, ...]:
    return (tab.block is not None, tab.since)
