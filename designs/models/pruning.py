"""The pass by which the database lets old entries of the audit go."""

from __future__ import annotations

from django.db import models


class AuditPruning(models.Model):
    """There only within the transaction that removes entries (`designs.auditing.audit.prune`)."""

    before = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"entries before {self.before:%Y-%m-%d}"
