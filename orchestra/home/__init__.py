"""What the home page tells: figures, what needs somebody, what runs, what comes next."""

__all__ = ["board"]
