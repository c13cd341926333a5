"""Callbacks: the end of a run, or that it waits, that is posted to a server, with the tries."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from deployments.models.deployment import Deployment
from designs.access import Caller
from designs.rows.ids import new_id
from designs.secrets.encryption import EncryptedTextField
from executor.models import TERMINAL, Execution

# A message that was sent to the workers and did nothing is sent again after this long.
RESEND_AFTER = timedelta(seconds=15)


class CallbackSecret(models.Model):
    """Signs a deployment's callbacks; for a while after a change, together with the old secret."""

    deployment = models.OneToOneField(
        Deployment, on_delete=models.CASCADE, related_name="callback_secret"
    )
    secret = EncryptedTextField()
    previous = EncryptedTextField(blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"callback secret of {self.deployment_id}"

    @staticmethod
    def new_text() -> str:
        """24 random bytes in the notation of Standard Webhooks."""
        return "whsec_" + secrets.token_urlsafe(24).replace("-", "+").replace("_", "/")

    @property
    def texts(self) -> list[str]:
        """The secrets that sign now, the present one first. Raises SecretUnreadable."""
        texts = [self.secret.reveal()]
        if self.previous and self.previous_until and self.previous_until > timezone.now():
            texts.append(self.previous.reveal())
        return texts


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def for_caller(self, caller: Caller) -> DeliveryQuerySet:
        """Those of executions that the caller may see."""
        return self.filter(execution__in=Execution.objects.for_caller(caller))

    def due(self) -> DeliveryQuerySet:
        """It is time for a try: the run has ended, or this tells that it waits, and the pause after
        the last try is over.
        """
        return self.filter(
            Q(execution__status__in=TERMINAL) | Q(wait_attempt__isnull=False),
            status=Delivery.Status.PENDING,
            next_attempt_at__lte=Now(),
        )

    def of_ends(self) -> DeliveryQuerySet:
        return self.filter(wait_attempt=None)

    def unsent(self) -> DeliveryQuerySet:
        """Those of which workers were not notified recently."""
        return self.filter(Q(sent_at=None) | Q(sent_at__lt=Now() - RESEND_AFTER))


class Delivery(models.Model):
    """One callback; its id is the message's id at every try. That of a run's end is written when
    the run is accepted, one that tells that it waits when it has begun to.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="deliveries")
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="deliveries")
    # Of one that tells that the run waits: the attempt that began to wait, and what it said then.
    wait_attempt = models.PositiveIntegerField(null=True)
    waiting = models.JSONField(null=True)
    url = models.CharField(max_length=2000)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Each try: at, status_code, error, duration_ms.
    log = models.JSONField(default=list)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=("execution",),
                name="delivery_of_end",
                condition=Q(wait_attempt__isnull=True),
            ),
            models.UniqueConstraint(fields=("execution", "wait_attempt"), name="delivery_of_wait"),
        ]
        indexes = [
            models.Index(fields=("deployment", "-id"), name="delivery_by_deployment"),
            models.Index(
                fields=("next_attempt_at",), name="delivery_due", condition=Q(status="pending")
            ),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def event(self) -> str:
        """`end`, or `waiting`."""
        return "end" if self.wait_attempt is None else "waiting"

    @property
    def message_id(self) -> str:
        """The `webhook-id` header: the same at every try, so that receivers can tell a repeat."""
        return f"msg_{self.id.hex}"
