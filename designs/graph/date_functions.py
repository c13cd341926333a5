"""Functions of expressions for dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from designs.graph.arithmetic import settled
from designs.graph.functions import function
from designs.graph.meter import Fault, Meter
from designs.graph.moments import (
    between,
    is_day,
    moved,
    read_moment,
    since_epoch,
    unit_named,
    written,
    zone_named,
)

_DATE, _TEXT, _NUMBER = ("string", "number"), ("string",), ("number",)
MAX_PATTERN = 200
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


@function("now")
def _now(meter: Meter, names: Mapping[str, Any]) -> str:
    """When the run began: the same time whenever and wherever it is evaluated. The interpreter
    hands over the names of the run.
    """
    facts = names.get("execution")
    started = facts.get("started_at") if isinstance(facts, Mapping) else None
    if not isinstance(started, str):
        raise Fault("has no value: now() is when the run began, and none has")
    return written(read_moment(started, UTC, meter))


@function("date", _DATE, _TEXT, optional=1)
def _date(meter: Meter, value: str | float, zone: str = "UTC") -> str:
    return written(read_moment(value, zone_named(zone, meter), meter))


@function("timestamp", _DATE)
def _timestamp(meter: Meter, value: str | float) -> int | float:
    return settled(since_epoch(read_moment(value, UTC, meter)))


@function("date_add", _DATE, _NUMBER, _TEXT, _TEXT, optional=1)
def _date_add(
    meter: Meter, value: str | float, amount: int | float, unit: str, zone: str = "UTC"
) -> str:
    of_time = zone_named(zone, meter)
    name = unit_named(unit)
    meter.step(8)
    stays_day = is_day(value) and name not in ("second", "minute", "hour")
    if stays_day and amount != int(amount):
        raise Fault("has no value: to a date without a time only whole days and more can be added")
    moment = read_moment(value, UTC if stays_day else of_time, meter)
    later = moved(moment, amount, name, UTC if stays_day else of_time)
    return later.date().isoformat() if stays_day else written(later)


@function("date_diff", _DATE, _DATE, _TEXT)
def _date_diff(meter: Meter, start: str | float, end: str | float, unit: str) -> int | float:
    name = unit_named(unit)
    return settled(between(read_moment(start, UTC, meter), read_moment(end, UTC, meter), name))


@function("format_date", _DATE, _TEXT, _TEXT, optional=1)
def _format_date(meter: Meter, value: str | float, pattern: str, zone: str = "UTC") -> str:
    """In English whatever the machine speaks, so not by the C library."""
    if len(pattern) > MAX_PATTERN:
        raise Fault(f"has no value: the pattern of format_date() has over {MAX_PATTERN} characters")
    meter.step(8 + len(pattern) // 4)
    meter.write(10 * len(pattern))
    of_time = zone_named(zone, meter)
    moment = read_moment(value, of_time, meter)
    try:
        local = moment.astimezone(of_time)
    except OverflowError:
        raise Fault("has no value: the date is outside of the years 1 to 9999 there") from None
    pieces = iter(pattern.split("%"))
    parts = [next(pieces)]
    for piece in pieces:
        # `%%` leaves an empty piece, and what follows it is text.
        parts += [_part(piece[:1], local), piece[1:]] if piece else ["%", next(pieces, "")]
    return "".join(parts)


_PARTS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}",
    "y": lambda at: f"{at.year % 100:02}",
    "m": lambda at: f"{at.month:02}",
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "d": lambda at: f"{at.day:02}",
    "e": lambda at: str(at.day),
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "u": lambda at: str(at.isoweekday()),
    "G": lambda at: f"{at.isocalendar().year:04}",
    "V": lambda at: f"{at.isocalendar().week:02}",
    "H": lambda at: f"{at.hour:02}",
    "I": lambda at: f"{at.hour % 12 or 12:02}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "f": lambda at: f"{at.microsecond:06}",
    "z": lambda at: _offset(at),
    "Z": lambda at: at.tzname() or "",
}


def _offset(at: datetime) -> str:
    """`+01:00`, without the seconds that offsets had long ago."""
    minutes = int((at.utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"


def _part(letter: str, local: datetime) -> str:
    part = _PARTS.get(letter)
    if part is None:
        known = " ".join(f"%{name}" for name in _PARTS)
        raise Fault(f"has no value: format_date() does not know '%{letter}'. It knows {known} %%")
    return part(local)
