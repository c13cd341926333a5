"""Dates and moments of expressions: RFC 3339 text, calendar arithmetic, and time zones."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from designs.graph.meter import Fault, Meter

# The steps for reading one date, and for a zone whose rules are read from the disk.
DATE_STEPS = 8
ZONE_STEPS = 400
MAX_ZONES = 1_024

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,6})?[0-9]{0,30}"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
_ZONE_NAME = re.compile(r"(?!posix/|right/)[A-Z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE = "is before the year 1 or after the year 9999"
# The length of `2026-03-01T09:00:00`, behind which fraction and offset stand.
_SECONDS_END = 19

UNITS = {
    "second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1),
    "day": timedelta(days=1), "week": timedelta(weeks=1),
}  # fmt: skip
MONTHS = {"month": 1, "year": 12}

_zones: dict[str, ZoneInfo | None] = {"UTC": ZoneInfo("UTC")}


def comes_before(first: str, second: str, meter: Meter) -> bool | None:
    """Whether one moment is earlier than another; None unless both texts are RFC 3339 moments
    that are not in the order of their characters.
    """
    if len(first) <= _SECONDS_END or len(second) <= _SECONDS_END:
        return None
    if first[4] != "-" or second[4] != "-":
        return None
    if len(first) == len(second) and _form(first) == _form(second):
        return None
    meter.step(DATE_STEPS)
    one, other = _moment(first), _moment(second)
    return None if one is None or other is None else one < other


def _form(text: str) -> tuple[str, str]:
    """Of two texts of one length and form the characters tell which moment is earlier."""
    return text[10], "Z" if text[-1] == "Z" else text[-6:]


def _moment(text: str) -> datetime | None:
    """What the text says, if it is a moment with its offset."""
    match = _MOMENT.fullmatch(text)
    if match is None or match[4] is None:
        return None
    try:
        return datetime.fromisoformat(_plain(match))
    except ValueError:
        return None


def _plain(match: re.Match[str]) -> str:
    day, clock, fraction, offset = match.groups()
    # Python reads three digits or six.
    fraction = f"{fraction:0<7}" if fraction else ""
    return f"{day}T{clock}{fraction}{(offset or '').upper()}"


def read_moment(value: str | int | float, zone: tzinfo, meter: Meter) -> datetime:
    """A moment from RFC 3339 text, a day, a clock's time in `zone`, or seconds since 1970.

    What a clock shows twice is the first time; what it leaves out in spring is as far after the
    gap. Raises Fault.
    """
    meter.step(DATE_STEPS)
    try:
        if not isinstance(value, str):
            return _EPOCH + timedelta(seconds=value)
        if _DAY.fullmatch(value):
            return datetime.fromisoformat(value).replace(tzinfo=zone).astimezone(UTC)
        match = _MOMENT.fullmatch(value)
        if match is None:
            raise _unreadable(value)
        moment = datetime.fromisoformat(_plain(match))
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        raise Fault(f"has no value: a date {_RANGE}") from None
    except ValueError:
        raise _unreadable(value) from None


def _unreadable(value: object) -> Fault:
    shown = str(value)[:40]
    return Fault(
        f"has no value: '{shown}' is no date. Write it as 2026-03-01 or 2026-03-01T09:00:00Z"
    )


def is_day(value: object) -> bool:
    """Whether a value is a date without a time."""
    return isinstance(value, str) and _DAY.fullmatch(value) is not None


def written(moment: datetime) -> str:
    """RFC 3339 in UTC: `2026-03-01T08:00:00Z`, with a fraction only if it has one."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def zone_named(name: str, meter: Meter) -> ZoneInfo:
    """Raises Fault for a name that is not of the time zone database."""
    zone = _zones.get(name)
    if zone is None and name not in _zones:
        meter.step(ZONE_STEPS)
        if len(_zones) >= MAX_ZONES:
            _zones.clear()
        zone = _zones[name] = _loaded(name)
    if zone is None:
        raise Fault(
            f"has no value: there is no time zone '{name[:40]}'. Name one as Europe/Berlin or UTC"
        )
    return zone


def _loaded(name: str) -> ZoneInfo | None:
    if not _ZONE_NAME.fullmatch(name) or name == "Factory":
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return None


def unit_named(name: str) -> str:
    """`day` for `day` and `days`. Raises Fault."""
    unit = name.removesuffix("s")
    if unit not in UNITS and unit not in MONTHS:
        known = ", ".join((*UNITS, *MONTHS))
        raise Fault(f"has no value: there is no unit '{name[:40]}'. The units are {known}")
    return unit


def moved(moment: datetime, amount: int | float, unit: str, zone: tzinfo) -> datetime:
    """`amount` units later. Days, weeks, months and years keep the clock's time in `zone`; a day
    that a month does not have becomes its last one. Raises Fault.
    """
    try:
        if unit in ("second", "minute", "hour"):
            return moment + amount * UNITS[unit]
        local = moment.astimezone(zone).replace(tzinfo=None)
        local = (
            _months_later(local, amount, unit) if unit in MONTHS else local + amount * UNITS[unit]
        )
        return local.replace(tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        raise Fault(f"has no value: the date {_RANGE}") from None


def _months_later(local: datetime, amount: int | float, unit: str) -> datetime:
    if amount != int(amount):
        raise Fault("has no value: only whole months and years can be added")
    months = local.year * 12 + local.month - 1 + int(amount) * MONTHS[unit]
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return local.replace(
        year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1])
    )


def between(start: datetime, end: datetime, unit: str) -> int | float:
    """From one moment to another: whole months and years, fractions of the other units."""
    if unit not in MONTHS:
        return (end - start) / UNITS[unit]
    if end < start:
        return -between(end, start, unit)
    months = (end.year - start.year) * 12 + end.month - start.month
    if _in_month(end) < _in_month(start):
        months -= 1
    return months // MONTHS[unit]


def _in_month(moment: datetime) -> tuple[int, timedelta]:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.day, moment - midnight


def since_epoch(moment: datetime) -> float:
    return (moment - _EPOCH).total_seconds()
