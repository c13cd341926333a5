"""Schedules and the ledger of their planned times. Only this package knows beat's tables."""

__all__ = [
    "admin",
    "backfill",
    "calendars",
    "fields",
    "icalendar_files",
    "pausing",
    "pump",
    "scheduling",
    "serving",
    "store",
    "upcoming",
]
