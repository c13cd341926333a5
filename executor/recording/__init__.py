"""Writes runs as rows: one writer for each process."""

__all__ = [
    "admission",
    "intents",
    "recorder",
    "rows",
    "waiting",
    "writer",
]
