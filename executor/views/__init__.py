"""The pages of executions and of tries."""

__all__ = ["runs"]
