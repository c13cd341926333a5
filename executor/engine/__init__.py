"""Runs a compiled graph: what may start, what it gets, what it costs. Plain Python."""

__all__ = [
    "arrivals",
    "breaker",
    "budget",
    "context",
    "events",
    "incoming",
    "journal",
    "json_text",
    "limits",
    "llm",
    "part",
    "runner",
    "tools",
]
