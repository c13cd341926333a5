"""A call of a deployment, from its path to its run."""

__all__ = [
    "calls",
    "lookup",
    "orders",
    "places",
    "snippets",
]
