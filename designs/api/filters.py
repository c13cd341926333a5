"""Filters that lists of several apps share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django_filters.fields import IsoDateTimeField

# Far enough from the ends of the calendar to count on both sides, in every time zone.
YEARS = range(1970, 9001)


class TimeField(IsoDateTimeField):
    def clean(self, value: Any) -> datetime | None:
        found: datetime | None = super().clean(value)
        if found is not None and found.year not in YEARS:
            raise ValidationError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.", code="year")
        return found


class TimeFilter(django_filters.IsoDateTimeFilter):
    """A time with its offset, as in 2027-01-31T09:00:00+01:00."""

    field_class = TimeField
