"""What the rows of all apps share: ids, locks, pages of bounded size, guards in the database."""

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
