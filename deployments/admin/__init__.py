"""The admin of deployments, their keys, and what calls left behind."""

from deployments.admin import delivery, deployment, idempotency, key, retention
from deployments.schedules import admin as schedules

__all__ = ["delivery", "deployment", "idempotency", "key", "retention", "schedules"]
