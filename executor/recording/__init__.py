"""Writes runs as rows: one writer for each process."""

__all__ = [
    "admission",
    "intents",
    "leases",
    "recorder",
    "rows",
    "waiting",
    "writer",
]
