"""Schedules and what becomes of their planned times. Only here is beat's table known."""

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
