"""The permit by which the database lets old audit entries be deleted."""

from __future__ import annotations

from django.db import models


class AuditPruning(models.Model):
    """Exists only within the transaction of `designs.auditing.audit.prune`."""

    before = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"entries before {self.before:%Y-%m-%d}"
