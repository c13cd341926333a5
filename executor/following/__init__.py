"""Following runs from elsewhere: publish and subscribe, answers, streams, live text."""

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
