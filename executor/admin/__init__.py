"""The admin of executions, their parts, requests and totals, and of connections."""

from executor.admin import (
    connection,
    decisions,
    execution,
    parts,
    saved_views,
    tool_connection,
    totals,
)

__all__ = [
    "connection",
    "decisions",
    "execution",
    "parts",
    "saved_views",
    "tool_connection",
    "totals",
]
