"""Who may call, and how often: keys and request limits."""

__all__ = [
    "keys",
    "limits",
]
