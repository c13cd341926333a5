"""How long history is kept: for the whole installation, and for single deployments."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from deployments.models.deployment import Deployment
from designs.rows.audit_guard import NEVER_BEFORE_DAYS

# Defaults of new installations; an upgrade does not change what is kept.
NEW_KEEP_LAST = 1_000
NEW_AUDIT_DAYS = 730
_INHERITS = "Empty: for ever; on a deployment's policy, as for the installation. 0: for ever."


def check_audit_days(days: int) -> None:
    """The database itself does not delete younger entries."""
    if 0 < days < NEVER_BEFORE_DAYS:
        raise ValidationError(
            f"The audit is kept for {NEVER_BEFORE_DAYS} days at least. Empty or 0: for ever."
        )


class RetentionPolicy(models.Model):
    """The installation's policy, or one deployment's, which overrides it field by field; 0 keeps
    for ever.
    """

    deployment = models.OneToOneField(
        Deployment,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="retention",
    )
    # True for the installation's policy, of which there is one.
    is_general = models.BooleanField(null=True, unique=True, editable=False)
    payload_days = models.PositiveIntegerField(
        "texts for (days)",
        null=True,
        blank=True,
        validators=[MaxValueValidator(36_500)],
        help_text="Then inputs, results, prompts and answers go; states, times, tokens and costs "
        f"stay. {_INHERITS}",
    )
    history_days = models.PositiveIntegerField(
        "executions for (days)",
        null=True,
        blank=True,
        validators=[MaxValueValidator(36_500)],
        help_text="Then executions go, with their callbacks; and occurrences of schedules. "
        f"Counts and charts stay. {_INHERITS}",
    )
    keep_last = models.PositiveIntegerField(
        "executions at most",
        null=True,
        blank=True,
        validators=[MaxValueValidator(1_000_000_000)],
        help_text="Of each deployment, and of all tries of designs together: older ones go. "
        f"Likewise occurrences of each schedule. {_INHERITS}",
    )
    audit_days = models.PositiveIntegerField(
        "audit for (days)",
        null=True,
        blank=True,
        validators=[check_audit_days, MaxValueValidator(36_500)],
        help_text="Then entries of the audit go; that they went is an entry itself. Only for the "
        "whole installation. Empty or 0: for ever.",
    )
    # Of the installation's policy: the last sweep, and what is held, by age.
    swept_at = models.DateTimeField(null=True, editable=False)
    swept = models.JSONField(default=dict, editable=False)
    looked_at = models.DateTimeField(null=True, editable=False)
    held = models.JSONField(default=dict, editable=False)

    class Meta:
        verbose_name_plural = "retention policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_general=True, deployment=None)
                | Q(is_general=None, deployment__isnull=False),
                name="retentionpolicy_of_whom",
            ),
        ]

    def __str__(self) -> str:
        return "The whole installation" if self.is_general else str(self.deployment)

    @property
    def keeps_all(self) -> bool:
        return not any((self.payload_days, self.history_days, self.keep_last, self.audit_days))

    @staticmethod
    def limit_of(deployment_id: Any, name: str) -> int | None:
        """The deployment's own value, or the installation's; None keeps for ever."""
        rows = RetentionPolicy.objects.filter(Q(deployment=deployment_id) | Q(is_general=True))
        values = dict(rows.values_list("deployment", name))
        own = values.get(deployment_id)
        return (values.get(None) if own is None else own) or None

    @staticmethod
    def general() -> RetentionPolicy:
        """The installation's policy; an unsaved one if the table was emptied."""
        policy = RetentionPolicy.objects.filter(is_general=True).first()
        return policy or RetentionPolicy(is_general=True)

    @staticmethod
    def stored_general() -> RetentionPolicy:
        """The installation's policy, created if it is missing."""
        # No person's change, so no audit entry.
        policies = [RetentionPolicy(is_general=True)]
        RetentionPolicy.objects.bulk_create(policies, ignore_conflicts=True)
        return RetentionPolicy.objects.get(is_general=True)
