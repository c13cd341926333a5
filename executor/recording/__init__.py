"""Writing what a run does as rows: one writer for each process."""

__all__ = [
    "admission",
    "inserting",
    "recorder",
    "rows",
    "writer",
]
