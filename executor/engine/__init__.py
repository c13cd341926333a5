"""Runs a compiled graph: what may start, what it gets, what it costs. Plain Python."""

__all__ = [
    "breaker",
    "budget",
    "context",
    "events",
    "journal",
    "json_text",
    "limits",
    "llm",
    "part",
    "runner",
]
