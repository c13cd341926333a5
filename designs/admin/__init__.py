"""The admin of designs and their versions."""

from designs.admin import design, version

__all__ = ["design", "version"]
