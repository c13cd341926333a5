"""`manage.py up`: starts, watches and ends every process. Loads no Django of its own."""

__all__ = [
    "up",
]
