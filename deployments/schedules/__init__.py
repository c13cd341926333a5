"""Schedules and the ledger of their planned times. Only this package knows beat's tables."""

__all__ = [
    "admin",
    "backfill",
    "fields",
    "pausing",
    "pump",
    "scheduling",
    "serving",
    "store",
    "upcoming",
]
