"""Which call started which execution."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment
from executor.models import Execution

KEYS_KEPT = timedelta(hours=24)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def old(self) -> IdempotencyKeyQuerySet:
        return self.filter(created_at__lt=timezone.now() - KEYS_KEPT)


class IdempotencyKey(models.Model):
    """Which execution a caller's key started; the unique triple prevents a second one."""

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="+")
    caller = models.CharField(max_length=64)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=("deployment", "caller", "key"), name="idempotencykey_deployment_caller_key"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_over(self) -> bool:
        return self.created_at < timezone.now() - KEYS_KEPT
