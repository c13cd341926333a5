"""Where and when designs are offered: deployments, their keys, schedules and planned
occurrences.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from designs.access import SCOPES, Caller
from designs.ids import new_id
from designs.models import Design, DesignVersion
from executor.models import Execution
from executor.states import Status as ExecutionStatus

ENDPOINT_PATH = re.compile(r"(/[a-z0-9_-]+)+")
ENDPOINT_PATH_RULE = (
    "An endpoint path starts with / and has lower-case letters, digits, - and _ between slashes, "
    "for instance /support/triage."
)
KEYS_KEPT = timedelta(hours=24)


def check_endpoint_path(value: str) -> None:
    """Raises ValidationError with the rule in words."""
    if len(value) > 200 or not ENDPOINT_PATH.fullmatch(value):
        raise ValidationError(ENDPOINT_PATH_RULE, code="endpoint_path")


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def present(self) -> DeploymentQuerySet:
        """Those that were not undeployed."""
        return self.filter(removed_at=None)

    def for_caller(self, caller: Caller) -> DeploymentQuerySet:
        """Deployments that are there for the caller: permission, key's binding, limitation to
        groups.
        """
        return self.present().seen_by(caller)

    def seen_by(self, caller: Caller) -> DeploymentQuerySet:
        """Like `for_caller`, with those that were undeployed: the history names them."""
        if not caller.may("deployments.view_deployment"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(pk__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        hidden = Deployment.objects.exclude(groups=None).exclude(groups__in=caller.group_ids)
        return rows.exclude(pk__in=hidden.values("pk"))

    def with_activity(self) -> DeploymentQuerySet:
        """Adds `execution_count`, `last_execution_at` and `next_run_at`, each from one index."""
        runs = Execution.objects.filter(deployment=OuterRef("pk")).order_by().values("deployment")
        due = Schedule.objects.filter(
            deployment=OuterRef("pk"), next_due_at__isnull=False
        ).order_by()
        return self.annotate(
            execution_count=F("pruned_executions")
            + Coalesce(Subquery(runs.annotate(n=Count("pk")).values("n")), 0),
            last_execution_at=Subquery(_newest_runs().values("created_at")[:1]),
            next_run_at=Subquery(due.order_by("next_due_at").values("next_due_at")[:1]),
        )

    def with_last_run(self) -> DeploymentQuerySet:
        """Adds `last_run_id` and `last_run_status`, each the first entry of one index."""
        return self.annotate(
            last_run_id=Subquery(_newest_runs().values("pk")[:1]),
            last_run_status=Subquery(_newest_runs().values("status")[:1]),
        )

    def containing(self, text: str) -> DeploymentQuerySet:
        """Those with the text in their path or their design's name; all for no text."""
        if not text:
            return self
        return self.filter(Q(endpoint_path__icontains=text) | Q(design__name__icontains=text))


def _newest_runs() -> models.QuerySet[Execution]:
    return Execution.objects.filter(deployment=OuterRef("pk")).order_by("-id")


class Deployment(models.Model):
    """A published version offered under a path. Undeploying keeps the row, so that history stays
    readable.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"
        ERROR = "error", "Error"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="deployments")
    version = models.ForeignKey(DesignVersion, on_delete=models.PROTECT, related_name="deployments")
    endpoint_path = models.CharField(
        max_length=200, validators=[check_endpoint_path], help_text=ENDPOINT_PATH_RULE
    )
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    status_reason = models.CharField(max_length=500, blank=True)
    groups = models.ManyToManyField(
        Group,
        blank=True,
        related_name="+",
        help_text="Limited to these groups; empty: open to all who may see deployments.",
    )
    timeout_seconds = models.PositiveIntegerField(
        default=600, help_text="A run is stopped as timed out after this many seconds."
    )
    wait_seconds = models.PositiveIntegerField(
        default=60,
        help_text="A synchronous call that takes longer is answered with 202 and goes on.",
    )
    max_model_calls = models.PositiveIntegerField(null=True, blank=True)
    max_tokens = models.PositiveIntegerField(null=True, blank=True)
    max_cost_usd = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    # Executions removed by retention, so that the count stays true.
    pruned_executions = models.PositiveBigIntegerField(default=0, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        editable=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    removed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ("endpoint_path",)
        permissions = (("execute_deployment", "Can execute deployments"),)
        constraints = [
            models.UniqueConstraint(
                fields=("endpoint_path",),
                condition=Q(removed_at=None),
                name="deployment_endpoint_path",
                violation_error_message="Another deployment answers under this path.",
            ),
        ]

    def __str__(self) -> str:
        return self.endpoint_path

    @property
    def endpoint_url(self) -> str:
        """The full address that callers post to."""
        return f"{settings.ENVIRONMENT.public_url}/api/deployed{self.endpoint_path}"

    @property
    def is_active(self) -> bool:
        return self.status == self.Status.ACTIVE

    @property
    def last_run_label(self) -> str:
        """How the last run stands, in words; needs `with_last_run`."""
        status = getattr(self, "last_run_status", None)
        return ExecutionStatus(status).label if status else ""


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def for_caller(self, caller: Caller) -> ApiKeyQuerySet:
        """One's own keys; all keys for those who may change any."""
        if caller.may("deployments.change_apikey"):
            return self
        return (
            self.filter(owner_id=caller.user_id)
            if caller.may("deployments.view_apikey")
            else self.none()
        )


class ApiKey(models.Model):
    """`orc_<prefix>_<secret>`: the prefix finds the row, the secret is kept only as a keyed
    hash.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField(default=list)
    deployments = models.ManyToManyField(Deployment, blank=True, related_name="keys")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"orc_{self.prefix}_…"

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )

    def set_new_secret(self) -> str:
        """Give the key a fresh prefix and secret; returns the whole key, which cannot be read
        again.
        """
        self.prefix = secrets.token_hex(4)
        secret = secrets.token_urlsafe(32)
        self.digest = digest_of(secret)
        return f"orc_{self.prefix}_{secret}"

    def matches(self, secret: str) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(self.digest, digest_of(secret))

    def clean(self) -> None:
        unknown = [scope for scope in self.scopes if scope not in SCOPES]
        if unknown:
            raise ValidationError(
                {"scopes": f"Unknown scope {unknown[0]!r}: choose from {', '.join(SCOPES)}."}
            )


def digest_of(secret: str) -> str:
    """HMAC-SHA256 with the installation's secret: random keys need no slow hash, and a dump alone
    is no use.
    """
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()


class Schedule(models.Model):
    """A companion of one row of django-celery-beat, which has cron or interval, zone, enabled flag.

    Here: what is due next, the policies, the input. `computed_from` says which rule `next_due_at`
    was
    worked out from, so that an edit by any door is noticed.
    """

    class Overlap(models.TextChoices):
        SKIP = "skip", "Skip while the last run goes on"
        ALLOW = "allow", "Run beside it"

    class Misfire(models.TextChoices):
        RUN_LATEST = "run_latest", "Run the latest one missed"
        RUN_ALL = "run_all", "Run every one missed"
        SKIP = "skip", "Skip those missed"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="schedules")
    beat_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        on_delete=models.CASCADE,
        related_name="orchestra_schedule",
    )
    input_data = models.JSONField(default=dict, blank=True)
    overlap = models.CharField(max_length=10, choices=Overlap.choices, default=Overlap.SKIP)
    misfire = models.CharField(max_length=10, choices=Misfire.choices, default=Misfire.RUN_LATEST)
    misfire_window_seconds = models.PositiveIntegerField(default=86_400)
    anchor_at = models.DateTimeField(default=timezone.now)
    computed_from = models.CharField(max_length=300, blank=True, editable=False)
    next_due_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    error = models.CharField(max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return str(self.beat_task.name)


class IdempotencyKeyQuerySet(models.QuerySet["IdempotencyKey"]):
    def forget_old(self) -> int:
        """Delete keys that no longer count, some at a time; returns how many."""
        old = self.filter(created_at__lt=timezone.now() - KEYS_KEPT)
        deleted, _ = self.filter(pk__in=old.values("pk")[:1000]).delete()
        return deleted


class IdempotencyKey(models.Model):
    """Which execution a caller's key started: the unique triple is what forbids a second one."""

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


class Occurrence(models.Model):
    """One planned time of a schedule and what became of it. The unique pair is what forbids
    doubling.
    """

    class Outcome(models.TextChoices):
        RAN = "ran", "Ran"
        SKIPPED_OVERLAP = "skipped_overlap", "Skipped: the last run was still going on"
        SKIPPED_MISFIRE = "skipped_misfire", "Skipped: missed while nothing was there to run it"
        SKIPPED_INACTIVE = "skipped_inactive", "Skipped: the deployment was not active"
        COALESCED = "coalesced", "Missed; a later one ran for it"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="occurrences")
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    execution = models.ForeignKey(
        Execution, null=True, blank=True, on_delete=models.SET_NULL, related_name="occurrences"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-due_at",)
        constraints = [
            models.UniqueConstraint(fields=("schedule", "due_at"), name="occurrence_schedule_due"),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M:%S} {self.outcome}"

    @property
    def start_delay(self) -> Any:
        """How long after its time it was written down, as a timedelta."""
        return self.created_at - self.due_at
