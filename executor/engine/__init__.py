"""Runs a compiled graph: what may start, what it gets, what it costs. Plain Python."""

__all__ = [
    "arrivals",
    "breaker",
    "budget",
    "context",
    "events",
    "http_door",
    "incoming",
    "journal",
    "json_text",
    "limits",
    "llm",
    "part",
    "runner",
    "tools",
]
