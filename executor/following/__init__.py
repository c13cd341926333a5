"""Telling others how a run goes on: wake-ups, answers, streams, live text."""

__all__ = [
    "answers",
    "broadcasts",
    "live_text",
    "open_streams",
    "openings",
    "presence",
    "pubsub",
    "sending",
    "sight",
    "stream",
    "stream_rows",
]
