"""Accepting a run, whatever door it was asked for at."""

__all__ = [
    "documents",
    "inputs",
    "runs",
    "tries",
]
