"""The time zones of this machine, read once: listing their files takes 30 ms and more."""

from __future__ import annotations

import difflib
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


def zone_of(text: str) -> str | None:
    """The zone of that name, or of that city, however it is written; None for neither."""
    if text in known_zones():
        return text
    wanted = "_".join(text.split()).casefold()
    return _by_name().get(wanted) or _by_city().get(wanted)


def zones_like(text: str, most: int = 3) -> list[str]:
    """Names of zones that may have been meant."""
    wanted = "_".join(text.split()).casefold()[:64]
    cities = _by_city()
    begins = [name for city, name in cities.items() if len(wanted) > 2 and city.startswith(wanted)]
    last = wanted.rpartition("/")[2]
    close = [cities[city] for city in difflib.get_close_matches(last, cities, most, cutoff=0.75)]
    return list(dict.fromkeys([*begins, *close]))[:most]


@functools.cache
def _by_name() -> dict[str, str]:
    return {name.casefold(): name for name in zone_choices()}


@functools.cache
def _by_city() -> dict[str, str]:
    """By the last part of each name; of several zones one of a continent."""
    names = sorted(zone_choices(), key=lambda name: (name.startswith(("Etc/", "US/")), name))
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.rpartition("/")[2].casefold(), name)
    return found
