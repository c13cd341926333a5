"""Filters of the admin's lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.utils import parse_datetime_str


class VisibleFilter(AutocompleteSelectFilter):
    """Autocompletes a related row, among those that the caller may see."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        related = self.model_admin.admin_site.get_model_admin(self.field.remote_field.model)
        for choice in super().choices(changelist):
            field = choice["form"].fields[self.lookup_kwarg]
            field.queryset = related.get_queryset(self.request)
            yield choice


class TimeRangeFilter(RangeDateTimeFilter):
    """From and until, in the installation's time zone; a date without a time is the whole day."""

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        bounds = {
            f"{self.parameter_name}__gte": self._at("from", "00:00:00"),
            f"{self.parameter_name}__lte": self._at("to", "23:59:59.999999"),
        }
        return queryset.filter(**{name: at for name, at in bounds.items() if at is not None})

    def _at(self, end: str, time_of_day: str) -> datetime | None:
        """None for an end that is missing or invalid."""
        date, time = (
            self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1)
        )
        at = parse_datetime_str(f"{date} {time or time_of_day}") if date else None
        return None if at is None else timezone.make_aware(at)
