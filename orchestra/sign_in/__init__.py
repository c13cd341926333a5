"""The one door for people: signing in, its limits, sessions, and one's own account."""

__all__ = ["account", "admin", "session_store", "sessions", "views", "words"]
