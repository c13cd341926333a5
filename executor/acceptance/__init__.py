"""Accepts runs, whichever door they were requested at."""

__all__ = [
    "documents",
    "inputs",
    "offers",
    "parts",
    "runs",
    "tries",
]
