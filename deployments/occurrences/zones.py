"""The time zones of this machine, read once: listing their files takes 30 ms and more."""

from __future__ import annotations

import functools
from zoneinfo import available_timezones

# Files of the zone database that are not zones: the machine's own time, and placeholders.
_NO_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@functools.cache
def known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_ZONES


@functools.cache
def zone_choices() -> tuple[str, ...]:
    """Sorted names for a select box: places and UTC."""
    return tuple(sorted(name for name in known_zones() if "/" in name or name == "UTC"))
