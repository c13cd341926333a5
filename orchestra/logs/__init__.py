"""Logs: bounded in length and number, and without secrets."""

__all__ = [
    "limits",
    "masked",
]
