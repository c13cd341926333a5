"""What a process and an event loop keep and run beside their work: threads, per-loop values."""

__all__ = [
    "background",
    "cache",
    "computing",
    "faults",
    "gathering",
    "loops",
    "patience",
    "processes",
    "redis_clients",
    "threads",
    "turns",
]
