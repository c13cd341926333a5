"""The admin of designs, their versions, and the audit."""

from designs.admin import audit, design, version

__all__ = ["audit", "design", "version"]
