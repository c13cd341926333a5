"""Telling a server that a run has ended: signed, and tried again until it is heard."""

__all__ = [
    "deliveries",
]
