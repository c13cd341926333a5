"""Accepts runs, whichever door they were requested at."""

__all__ = [
    "documents",
    "edits",
    "inputs",
    "offers",
    "parts",
    "runs",
    "tries",
]
