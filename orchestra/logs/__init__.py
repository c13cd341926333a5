"""Logs: limited in length and number, and without secrets."""

__all__ = [
    "limits",
    "masked",
]
