"""Times as people write them: a day or a local time in a zone, or a time with its offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import django_filters
from django import forms
from django.core.exceptions import ValidationError

from designs.api.filters import YEARS

RULE = "Write a day or a time, as in 2027-01-31 or 2027-01-31T09:00."
_LONGEST_ZONE = 64


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def zone_named(name: str) -> tzinfo:
    """The zone of that IANA name; UTC for a name that is none."""
    return ZoneInfo(name) if len(name) <= _LONGEST_ZONE and name in _zones() else UTC


class MomentField(forms.CharField):
    """A day, or a time with or without its offset."""

    def clean(self, value: Any) -> date | datetime | None:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        moment = _parsed(text)
        if moment is None or moment.year not in YEARS:
            raise ValidationError(RULE, code="moment")
        return moment


def _parsed(text: str) -> date | datetime | None:
    # A + that was not written %2B in an address is a space.
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text.replace(" ", "+") if "T" in text else text)
        except ValueError:
            continue
    return None


def start_of(moment: date | datetime, zone: tzinfo) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def end_of(moment: date | datetime, zone: tzinfo) -> datetime:
    """A day counts to its end."""
    if not isinstance(moment, datetime):
        return start_of(moment + timedelta(days=1), zone)
    return start_of(moment, zone)


class MomentFilter(django_filters.CharFilter):
    field_class = MomentField
