"""Taking queued runs and carrying them: leases, heartbeats, isolation, the sweep."""

__all__ = [
    "carrier",
    "instant",
    "nursery",
    "passing",
    "sweep",
    "worker",
]
