"""`manage.py up`: starts, watches and stops every process. Loads no Django."""

__all__ = [
    "preparation",
    "up",
    "welcome",
]
