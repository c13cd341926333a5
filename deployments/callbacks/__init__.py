"""Signed callbacks that report the end of a run, retried until the receiver accepts them."""

__all__ = [
    "deliveries",
]
