"""Writing and reading the audit trail, for all apps."""

__all__ = [
    "audit",
    "files",
]
