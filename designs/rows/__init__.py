"""Row helpers for all apps: ids, locks, bounded pages, bulk updates, database triggers."""

__all__ = [
    "audit_guard",
    "bounded",
    "changes",
    "columns",
    "guards",
    "ids",
    "locking",
    "writing",
]
