"""What the frame of every page tells and finds: how things stand, and where to jump to."""

__all__ = ["search", "standing"]
