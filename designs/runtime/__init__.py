"""Threads, event loops, caches, locks and Redis clients, for all apps."""

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
