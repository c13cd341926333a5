"""Writes runs as rows: one writer for each process."""

__all__ = [
    "admission",
    "recorder",
    "rows",
    "waiting",
    "writer",
]
