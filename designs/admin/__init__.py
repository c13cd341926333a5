"""The admin of designs and their versions, and of the audit."""

from designs.admin import audit, design, version

__all__ = ["audit", "design", "version"]
