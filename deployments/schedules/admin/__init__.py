"""The admin of schedules, their ledger, and beat's own tables."""

from deployments.schedules.admin import beat, calendar, occurrence, schedule

__all__ = ["beat", "calendar", "occurrence", "schedule"]
