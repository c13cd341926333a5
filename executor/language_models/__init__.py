"""The models of this installation: connections, prices, calls at once, keys."""

__all__ = [
    "connections",
    "provider",
    "secrets",
    "trial",
]
