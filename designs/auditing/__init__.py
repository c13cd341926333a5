"""Writing the audit, and reading it as files, for all apps."""

__all__ = ["audit", "files"]
