"""The API of deployments, keys, schedules, and the deployed endpoint."""

__all__ = [
    "endpoint",
    "late_bodies",
    "streams",
]
