"""Filters of lists, for all apps."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField

# Far enough from the ends of the calendar for sums with any time zone.
YEARS = range(1970, 9001)
TIME_RULE = (
    "Write a time with its offset: 2027-01-31T09:00:00Z, or 2027-01-31T09:00:00+01:00, whose + is "
    "written %2B in an address."
)
# A + in a URL that was not written %2B becomes a space.
_LOST_PLUS = re.compile(r" (?=\d\d:?\d\d$)")
FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class TimeField(IsoDateTimeField):
    default_error_messages = {"invalid": TIME_RULE}

    def clean(self, value: Any) -> datetime | None:
        if isinstance(value, str) and "T" in value:
            value = _LOST_PLUS.sub("+", value)
        time: datetime | None = super().clean(value)
        _check_year(time)
        return time


class DayField(forms.DateField):
    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        _check_year(day)
        return day


def _check_year(day: date | None) -> None:
    if day is not None and day.year not in YEARS:
        raise ValidationError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.", code="year")


class DayFilter(django_filters.DateFilter):
    """A day, as in 2027-01-31."""

    field_class = DayField


class TimeFilter(django_filters.IsoDateTimeFilter):
    """A time with its offset, as in 2027-01-31T09:00:00+01:00."""

    field_class = TimeField


class FlagField(forms.CharField):
    def clean(self, value: Any) -> bool | None:
        text = str(super().clean(value)).lower()
        if text and text not in FLAGS:
            raise ValidationError("Write true or false.", code="flag")
        return FLAGS.get(text)


class FlagFilter(django_filters.Filter):
    """True or false."""

    field_class = FlagField


class OrderFilter(django_filters.OrderingFilter):
    """Breaks ties by primary key, so that pages neither repeat nor omit a row."""

    def filter(self, qs: Any, value: Any) -> Any:
        rows = super().filter(qs, value)
        return rows.order_by(*rows.query.order_by, "pk") if value else rows
