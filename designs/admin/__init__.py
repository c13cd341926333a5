"""The admin of designs, their versions and checkpoints, and the audit."""

from designs.admin import audit, checkpoint, design, version

__all__ = ["audit", "checkpoint", "design", "version"]
