"""Starting, claiming and carrying runs: leases, heartbeats, isolation, the sweep."""

__all__ = [
    "carrier",
    "instant",
    "nursery",
    "starting",
    "sweep",
    "worker",
]
