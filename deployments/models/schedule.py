"""When a deployment runs by itself, and what became of each planned time."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from designs.ids import new_id
from executor.models import Execution


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
    deployment = models.ForeignKey(
        "deployments.Deployment", on_delete=models.CASCADE, related_name="schedules"
    )
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
