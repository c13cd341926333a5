"""The one door for people: signing in, its limits, sessions, and one's own account."""
