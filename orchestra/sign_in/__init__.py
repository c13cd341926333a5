"""Signing in, its limits, sessions, and the account page."""

__all__ = ["account", "admin", "session_store", "sessions", "views", "words"]
