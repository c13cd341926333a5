"""Accepts runs, whichever door they were requested at."""

__all__ = [
    "documents",
    "edits",
    "inputs",
    "nesting",
    "offers",
    "parts",
    "runs",
    "tries",
]
