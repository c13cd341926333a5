"""When a deployment runs by itself, and what became of each planned time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from deployments.models.calendar import ExclusionCalendar
from deployments.occurrences import NO_EXCLUSIONS, Exclusions
from designs.access import Caller
from designs.models.json import StoredJsonField
from designs.rows.columns import between
from designs.rows.ids import new_id
from executor.models import LIVE, Execution

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
# Options of a schedule: the store, pages, admin and API are made from these columns.
OPTION_GROUPS = {
    "runs": (
        "overlap", "pause_after_failures", "misfire", "misfire_window_seconds", "jitter_seconds",
    ),
    # They mean nothing for intervals.
    "clock": ("nonexistent_time", "repeated_time"),
}  # fmt: skip
OPTIONS = tuple(name for names in OPTION_GROUPS.values() for name in names)
# Microseconds since the epoch, then the row's id.
PLACE = re.compile(r"([0-9]{1,17})_([0-9]{1,18})", re.ASCII)


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def for_caller(self, caller: Caller) -> ScheduleQuerySet:
        if not caller.may("deployments.view_schedule"):
            return self.none()
        return self.filter(deployment__in=_seen_by(caller))

    def with_rule(self) -> ScheduleQuerySet:
        """With beat's rows, which hold the rule, and the calendar without its days."""
        rows = self.select_related("beat_task__crontab", "beat_task__interval", "calendar")
        return rows.defer("calendar__entries")


class Schedule(models.Model):
    """A companion of one row of django-celery-beat, which has cron or interval, zone, start, end
    and enabled flag.

    Here: what is due next, the policies, the input. `computed_from` says which rule `next_due_at`
    was worked out from, so that an edit by any door is noticed.
    """

    class Overlap(models.TextChoices):
        SKIP = "skip", "Skip this run"
        QUEUE = "queue", "Queue until it ends"
        ALLOW = "allow", "Run in parallel"
        CANCEL_RUNNING = "cancel_running", "Cancel the previous run"

    class Misfire(models.TextChoices):
        RUN_LATEST = "run_latest", "Run the latest missed one"
        RUN_ALL = "run_all", "Run every missed one"
        SKIP = "skip", "Skip them"

    class Nonexistent(models.TextChoices):
        NEXT = "next", "Run at the next time that exists"
        SKIP = "skip", "Skip it"

    class Repeated(models.TextChoices):
        ONCE = "once", "Run once, at the first"
        TWICE = "twice", "Run at both"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deployment = models.ForeignKey(
        "deployments.Deployment", on_delete=models.CASCADE, related_name="schedules"
    )
    beat_task = models.OneToOneField(
        "django_celery_beat.PeriodicTask",
        on_delete=models.CASCADE,
        related_name="orchestra_schedule",
    )
    input_data = StoredJsonField(default=dict, blank=True)
    calendar = models.ForeignKey(
        ExclusionCalendar,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="schedules",
        verbose_name="exclusion calendar",
        help_text="Planned times on its days are skipped, by the clock of the time zone.",
    )
    overlap = models.CharField(
        "overlapping runs",
        max_length=20,
        choices=Overlap.choices,
        default=Overlap.SKIP,
        help_text="If the previous run is still going.",
    )
    pause_after_failures = models.PositiveSmallIntegerField(
        "pause after failures in a row",
        null=True,
        blank=True,
        validators=between(1, 1000),
        help_text="The deployment then takes no calls until it is activated again. Empty: never.",
    )
    misfire = models.CharField(
        "missed runs",
        max_length=20,
        choices=Misfire.choices,
        default=Misfire.RUN_LATEST,
        help_text="Scheduled times that passed while no scheduler ran.",
    )
    misfire_window_seconds = models.PositiveIntegerField(
        "missed-run window (s)",
        default=86_400,
        validators=between(0, 10 * 366 * 86_400),
        help_text="Runs missed longer ago are skipped. 86400 is a day.",
    )
    jitter_seconds = models.PositiveIntegerField(
        "random delay up to (s)",
        default=0,
        validators=between(0, 86_400),
        help_text="Each run starts up to this long after its scheduled time, which spreads load.",
    )
    nonexistent_time = models.CharField(
        "nonexistent times",
        max_length=10,
        choices=Nonexistent.choices,
        default=Nonexistent.NEXT,
        help_text="When clocks are set forward and a time of day does not exist.",
    )
    repeated_time = models.CharField(
        "repeated times",
        max_length=10,
        choices=Repeated.choices,
        default=Repeated.ONCE,
        help_text="When clocks are set back and a time of day comes twice.",
    )
    anchor_at = models.DateTimeField(default=timezone.now)
    computed_from = models.CharField(max_length=300, blank=True, editable=False)
    next_due_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    # The first one from then on that the calendar does not leave out: what people are told.
    next_run_at = models.DateTimeField(null=True, blank=True, editable=False, db_index=True)
    # Failures of runs that were started before this are forgiven.
    failures_from = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.CharField(max_length=500, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ("created_at",)

    def __str__(self) -> str:
        return str(self.beat_task.name)

    @property
    def exclusions(self) -> Exclusions:
        return NO_EXCLUSIONS if self.calendar is None else self.calendar.exclusions

    @property
    def is_all_left_out(self) -> bool:
        """Its calendar leaves out every planned time that is left."""
        return self.next_due_at is not None and self.next_run_at is None


class OccurrenceQuerySet(models.QuerySet["Occurrence"]):
    def for_caller(self, caller: Caller) -> OccurrenceQuerySet:
        if not caller.may("deployments.view_occurrence"):
            return self.none()
        return self.filter(schedule__deployment__in=_seen_by(caller))

    def for_list(self) -> OccurrenceQuerySet:
        """With all that a line of a list shows, without large columns."""
        return self.select_related(
            "schedule__deployment", "schedule__beat_task__crontab",
            "schedule__beat_task__interval", "execution",
        ).defer(
            "execution__document", "execution__input_data", "execution__result_data",
            "schedule__input_data", "input_data",
        )  # fmt: skip

    def latest_of(self, schedules: Any) -> OccurrenceQuerySet:
        """The last planned time of each of these schedules that came."""
        last = self.filter(schedule=models.OuterRef("pk")).order_by("-due_at", "-id").values("pk")
        rows = schedules.order_by().annotate(last_id=models.Subquery(last[:1]))
        return self.filter(pk__in=rows.values("last_id"))

    def page(
        self, *, before: str = "", after: str = "", size: int = 50
    ) -> tuple[list[Occurrence], bool, bool]:
        """One page by keyset, latest planned time first: (rows, whether there are newer, older
        ones).

        `before` and `after` are the `place` of the occurrence whose older or newer neighbours are
        wanted; what is no place gives the newest page.
        """
        place = PLACE.fullmatch(before or after)
        newest = self.order_by("-due_at", "-id")
        if place is None:
            rows: list[Occurrence] = list(newest[: size + 1])
            return rows[:size], False, len(rows) > size
        due, pk = EPOCH + int(place[1]) * MICROSECOND, int(place[2])
        if after:
            beyond = models.Q(due_at__gt=due) | models.Q(due_at=due, pk__gt=pk)
            rows = list(self.filter(beyond).order_by("due_at", "id")[: size + 1])
            return rows[:size][::-1], len(rows) > size, True
        beyond = models.Q(due_at__lt=due) | models.Q(due_at=due, pk__lt=pk)
        rows = list(newest.filter(beyond, due_at__lte=due)[: size + 1])
        return rows[:size], True, len(rows) > size

    def busy(self) -> OccurrenceQuerySet:
        """Those whose run has not ended."""
        return self.filter(execution__status__in=LIVE)


class Occurrence(models.Model):
    """One planned time of a schedule and its outcome. The unique pair prevents duplicates."""

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting to start"
        RAN = "ran", "Ran"
        SKIPPED_OVERLAP = "skipped_overlap", "Skipped: the previous run was still going"
        SKIPPED_MISFIRE = "skipped_misfire", "Skipped: missed while no scheduler ran"
        SKIPPED_INACTIVE = "skipped_inactive", "Skipped: the deployment or schedule was off"
        SKIPPED_EXCLUDED = "skipped_excluded", "Skipped: excluded by a calendar"
        COALESCED = "coalesced", "Merged into a later run"

    class Policy(models.TextChoices):
        """Which option decided, unless the run was simply on time."""

        OVERLAP_SKIP = "overlap=skip", "the previous run was still going"
        OVERLAP_QUEUE = "overlap=queue", "queued until the previous run ended"
        OVERLAP_ALLOW = "overlap=allow", "in parallel with the previous run"
        OVERLAP_CANCEL = "overlap=cancel_running", "the previous run was cancelled"
        QUEUE_FULL = "overlap=queue, full", "the queue was full"
        MISFIRE_SKIP = "misfire=skip", "missed ones are skipped"
        MISFIRE_LATEST = "misfire=run_latest", "of those missed only the latest runs"
        MISFIRE_ALL = "misfire=run_all", "late, because every missed one runs"
        MISFIRE_WINDOW = "misfire_window", "missed too long ago"
        JITTER = "jitter", "started after a random delay"
        PAUSED = "pause_after_failures", "paused after failures in a row"
        SWITCHED_OFF = "switched_off", "the schedule was switched off"
        INACTIVE = "inactive", "the deployment was not active"
        CALENDAR = "calendar", "the calendar leaves this day out"
        BACKFILL = "backfill", "backfilled by a person"

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="occurrences")
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    policy = models.CharField(max_length=30, choices=Policy.choices, blank=True)
    # Of one that a calendar excluded: its name then. Null only so that SQLite can add the column
    # without rebuilding the table.
    calendar_name = models.CharField(max_length=80, null=True, editable=False)  # noqa: DJ001
    # Of one that waits: not before this.
    start_at = models.DateTimeField(null=True, blank=True)
    # Of one that waited: the schedule's input as it was when the planned time was recorded.
    input_data = StoredJsonField(null=True, blank=True, editable=False)
    execution = models.ForeignKey(
        Execution, null=True, blank=True, on_delete=models.SET_NULL, related_name="occurrences"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OccurrenceQuerySet.as_manager()

    class Meta:
        ordering = ("-due_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=("schedule", "due_at"), name="occurrence_schedule_due"),
        ]
        indexes = [
            models.Index(fields=("-due_at", "-id"), name="occurrence_by_due"),
            models.Index(fields=("outcome", "-due_at", "-id"), name="occurrence_by_outcome"),
            models.Index(
                fields=("start_at",),
                name="occurrence_waiting",
                condition=models.Q(outcome="waiting"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.due_at:%Y-%m-%d %H:%M:%S} {self.outcome}"

    @property
    def started_at(self) -> datetime | None:
        return self.execution.started_at if self.execution is not None else None

    @property
    def start_delay(self) -> timedelta | None:
        """From the planned time to the run's start or to the decision; None while it waits."""
        at = self.started_at or self.decided_at
        return None if at is None else at - self.due_at

    @property
    def delay_ms(self) -> int | None:
        delay = self.start_delay
        return None if delay is None else max(0, round(delay / timedelta(milliseconds=1)))

    @property
    def place(self) -> str:
        """Its position in a list, for `page`."""
        return f"{(self.due_at - EPOCH) // MICROSECOND}_{self.pk}"


def _seen_by(caller: Caller) -> Any:
    deployment: Any = Schedule._meta.get_field("deployment").related_model
    return deployment._default_manager.for_caller(caller).values("pk")
