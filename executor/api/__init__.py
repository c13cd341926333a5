"""The API of executions."""

__all__ = [
    "lists",
    "serializers",
    "views",
]
