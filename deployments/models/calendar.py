"""Exclusion calendars: days on which the schedules that use them do not run."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import models

from deployments.occurrences import Exclusions, exclusions_of
from designs.access import Caller
from designs.rows.ids import new_id

# The computed days of calendars by edition, which stands for their entries.
_EXCLUSIONS: dict[uuid.UUID, Exclusions] = {}
_MAX_KEPT = 500


class ExclusionCalendarQuerySet(models.QuerySet["ExclusionCalendar"]):
    def for_caller(self, caller: Caller) -> ExclusionCalendarQuerySet:
        return self if caller.may("deployments.view_exclusioncalendar") else self.none()


class ExclusionCalendar(models.Model):
    """Named days, in the zone of each schedule that uses them.

    Changed by `deployments.schedules.calendars` alone, which serves the schedules first.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=80, unique=True)
    # Sorted: {"from": "2026-12-24", "until": "2026-12-26", "name": "Christmas"}.
    entries = models.JSONField("days", default=list, blank=True)
    # Another one with each change of the entries.
    edition = models.UUIDField(default=new_id, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ExclusionCalendarQuerySet.as_manager()

    class Meta:
        verbose_name = "exclusion calendar"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def exclusions(self) -> Exclusions:
        """Costs a query if the entries are deferred and this process has not seen the edition."""
        found = _EXCLUSIONS.get(self.edition)
        if found is None:
            found = exclusions_of(map(span_of, self.entries))
            if len(_EXCLUSIONS) >= _MAX_KEPT:
                _EXCLUSIONS.clear()
            _EXCLUSIONS[self.edition] = found
        return found


def span_of(entry: dict[str, Any]) -> tuple[date, date]:
    return date.fromisoformat(entry["from"]), date.fromisoformat(entry["until"])
