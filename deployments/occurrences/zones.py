"""The time zones of this machine, read once: looking through their files takes 30 ms and more."""

from __future__ import annotations

import functools
from zoneinfo import available_timezones

# Files of the zone database that are no place's time: this machine's own, and a placeholder.
_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@functools.cache
def known_zones() -> frozenset[str]:
    """All names that a schedule may have."""
    return frozenset(available_timezones()) - _NO_ZONES


@functools.cache
def zone_choices() -> tuple[str, ...]:
    """Names to choose from, sorted: places, and UTC."""
    return tuple(sorted(name for name in known_zones() if "/" in name or name == "UTC"))
