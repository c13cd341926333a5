"""Calls that leave the server because a user asked for them: where to, how long, how much."""

__all__ = [
    "addresses",
    "guarded_connector",
    "guarded_http",
]
