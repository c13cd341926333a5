"""The admin of schedules, their ledger, and beat's own tables."""

from deployments.schedules.admin import beat, occurrence, schedule

__all__ = ["beat", "occurrence", "schedule"]
