"""Executions: what was asked, how it stands, what came of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce, Now

from designs.access import Caller, hidden_deployments
from designs.models import Design, DesignVersion
from designs.models.json import StoredJsonField
from designs.rows.ids import first_id_at, new_id
from executor.models.starters import MAX_MEANT, starters_named
from executor.models.status import LIVE, RESUMABLE, Status, is_late

if TYPE_CHECKING:
    from executor.models.results import BlockResult

# An id's time is its web server's clock, `created_at` is the database's.
CLOCKS_APART = timedelta(hours=1)
# Fewer characters are in the prefix of many keys by chance.
MIN_OF_PREFIX = 6
# Stands for the deployment of a run without one in an index that is searched by comparing.
NO_DEPLOYMENT = uuid.UUID(int=0)


class Trigger(models.TextChoices):
    MANUAL = "manual", "Manual"
    SCHEDULED = "scheduled", "Scheduled"
    API = "api", "API"


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def for_caller(self, caller: Caller) -> ExecutionQuerySet:
        """Executions the caller may see: those of deployments that are there for them."""
        if not caller.may("executor.view_execution"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        # A negated EXISTS on the link table; a join would repeat rows and lose the index order.
        return rows.exclude(deployment__in=hidden_deployments(caller))

    def for_list(self) -> ExecutionQuerySet:
        """With what a line of a list shows, and without what makes a row large."""
        return self.select_related("deployment", "design", "version").defer(
            "document", "input_data", "result_data", "design__draft", "version__document"
        )

    def page(
        self, *, before: str = "", after: str = "", size: int = 50
    ) -> tuple[list[Execution], bool, bool]:
        """One page by keyset, newest first: (rows, whether there are newer, older ones).

        `before` and `after` name the execution whose older or newer neighbours are wanted; what is
        no name gives the newest page.
        """
        pk = parse_execution_id(before or after)
        if pk is None:
            rows: list[Execution] = list(self.order_by("-id")[: size + 1])
            return rows[:size], False, len(rows) > size
        if after:
            rows = list(self.filter(pk__gt=pk).order_by("id")[: size + 1])
            return rows[:size][::-1], len(rows) > size, True
        rows = list(self.filter(pk__lt=pk).order_by("-id")[: size + 1])
        return rows[:size], True, len(rows) > size

    def about(self, text: str, caller: Caller) -> ExecutionQuerySet:
        """Those of deployments by their path, of designs by their name; those that people,
        schedules, and keys which the caller may see, have started, by theirs.

        What the text means is looked up first, in tables that are small: the history is then found
        by indexes, and a word that nothing has costs nothing.
        """
        deployment = Execution._meta.get_field("deployment").related_model
        person = Execution._meta.get_field("user").related_model
        key = apps.get_model("deployments", "ApiKey")

        def found(rows: Any, field: str, value: str = text) -> list[Any]:
            rows = rows.filter(**{f"{field}__icontains": value}).order_by("pk")
            return list(rows.values_list("pk", flat=True)[:MAX_MEANT])

        keys = key._default_manager.for_caller(caller)
        # What a key is called where it has no name: orc_<prefix>_…
        prefix = text.removeprefix("orc_").rstrip("_…")
        by_prefix = found(keys, "prefix", prefix) if len(prefix) >= MIN_OF_PREFIX else []
        return self.filter(
            Q(deployment__in=found(deployment._default_manager.all(), "endpoint_path"))
            | Q(design__in=found(Design.objects.all(), "name"))
            | Q(user__in=found(person._default_manager.all(), "username"))
            | Q(triggered_by__in=starters_named(text))
            | Q(key_id__in=[*found(keys, "name"), *by_prefix])
        )

    def created_from(self, at: datetime) -> ExecutionQuerySet:
        """Accepted at that time or later; the id's own time lets the primary key find them."""
        return self.filter(created_at__gte=at, pk__gte=first_id_at(at - CLOCKS_APART))

    def created_until(self, at: datetime) -> ExecutionQuerySet:
        """Accepted before that time."""
        return self.filter(created_at__lt=at, pk__lt=first_id_at(at + CLOCKS_APART))

    def uncounted(self) -> ExecutionQuerySet:
        """Not in the daily totals: those that live, and those that ended a moment ago."""
        return self.filter(is_counted=None)

    def live(self) -> ExecutionQuerySet:
        return self.filter(status__in=LIVE)

    def lost(self) -> ExecutionQuerySet:
        """Running, but nobody holds the lease any more."""
        return self.filter(Q(lease_until__lt=Now()) | Q(lease_until=None), status=Status.RUNNING)

    def late(self) -> ExecutionQuerySet:
        """Live after their deadline, and not ended by whoever runs them."""
        return self.live().filter(is_late())

    def queued(self) -> ExecutionQuerySet:
        return self.filter(status=Status.QUEUED)


class Execution(models.Model):
    """One run, from acceptance to its one end. Its status changes in `states` and nowhere else.

    What the run needs of its deployment is frozen here at acceptance.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.PROTECT, related_name="executions"
    )
    design = models.ForeignKey(Design, on_delete=models.PROTECT, related_name="executions")
    version = models.ForeignKey(
        DesignVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # Set when something else than a version as published is tried: a draft, or another model.
    document = StoredJsonField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    degraded = models.BooleanField(default=False)
    degraded_reasons = models.JSONField(default=list)
    trigger_type = models.CharField(max_length=10, choices=Trigger.choices)
    triggered_by = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # Where a person or key called from, and which key. Null, and no foreign key, so that SQLite
    # adds the columns without making the table anew.
    caller_address = models.GenericIPAddressField(null=True)
    key_id = models.UUIDField(null=True)
    # The key, person or schedule in whose turn it is run (`Caller.turn_key`). Null is allowed
    # only so that SQLite adds the column without making the table anew; new rows always have it.
    caller_key = models.CharField(max_length=100, null=True, db_default="")  # noqa: DJ001
    # How many executions of that caller may run at once; None: any number.
    caller_max_concurrent = models.PositiveIntegerField(null=True)
    input_data = StoredJsonField(default=dict)
    result_data = StoredJsonField(null=True)
    error = models.JSONField(null=True)
    models_default = models.JSONField(default=list)
    # The model that a person chose in the place of all that the design names.
    model_override = models.CharField(max_length=200, null=True)  # noqa: DJ001 - see settles
    limits = models.JSONField(default=dict)
    # True if something of its deployment's waits for the end (a callback). Null otherwise, so that
    # SQLite adds the column without making the table anew, which would lose its triggers.
    settles = models.BooleanField(null=True)
    # True once the daily totals have counted it, and null before.
    is_counted = models.BooleanField(null=True, editable=False)
    # True: retention leaves it alone.
    is_held = models.BooleanField("held", null=True)
    # When retention took its texts; then input, result, prompts and answers are gone.
    payload_removed_at = models.DateTimeField(null=True, editable=False)
    # How many executions of the deployment may run at once; None: any number.
    max_concurrent = models.PositiveIntegerField(null=True)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)

    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)

    model_calls = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)

    rerun_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="reruns"
    )
    resumed_from = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="resumes"
    )

    # True for an instance that was started together with its row, by this process's clock.
    begun_here = False
    # The rows of its blocks that are written with it as running, for such an instance.
    begun_blocks: Sequence[BlockResult] = ()

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        # Ids begin with the time they were made at: one column sorts, pages and is the index.
        ordering = ("-id",)
        permissions = (
            ("view_payload", "Can see inputs, outputs and prompts"),
            ("operate_execution", "Can cancel, re-run and resume"),
        )
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="execution_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=("deployment", "-id"), name="execution_by_deployment"),
            models.Index(fields=("status", "-id"), name="execution_by_status"),
            models.Index(fields=("created_at",), name="execution_by_time"),
            models.Index(fields=("triggered_by", "-id"), name="execution_by_starter"),
            models.Index(
                fields=("key_id", "-id"),
                name="execution_by_key",
                condition=Q(key_id__isnull=False),
            ),
            models.Index(
                fields=("status", "lease_until"),
                name="execution_live",
                condition=Q(status__in=("queued", "running", "waiting")),
            ),
            # For counting how many of a deployment run, and finding the next that waits.
            models.Index(
                fields=("deployment", "status", "id"),
                name="execution_live_by_deployment",
                condition=Q(status__in=("queued", "running", "waiting")),
            ),
            # For stepping from caller to caller, and deployment to deployment, of the queue.
            models.Index(
                "caller_key",
                Coalesce("deployment", models.Value(NO_DEPLOYMENT, models.UUIDField())),
                "id",
                name="execution_queued_by_caller",
                condition=Q(status="queued"),
            ),
            models.Index(
                fields=("caller_key", "deployment"),
                name="execution_running_by_caller",
                condition=Q(status="running"),
            ),
            models.Index(
                fields=("deployment", "status"),
                name="execution_uncounted",
                condition=Q(is_counted=None),
            ),
            # What retention has yet to empty.
            models.Index(
                fields=("id",),
                name="execution_with_payload",
                condition=Q(is_counted=True, payload_removed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """`exec-` and the id's 32 hex digits: the name that people and scripts read."""
        return f"exec-{self.id.hex}"

    @property
    def short_id(self) -> str:
        """The id's last eight digits: random ones, enough to tell lines of a list apart."""
        return self.id.hex[-8:]

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_resumable(self) -> bool:
        """Whether it had begun, or was to begin, and ended before its work was done."""
        was_refused = self.status == Status.FAILED and self.attempt == 0
        return self.status in RESUMABLE and not was_refused and self.payload_removed_at is None

    @property
    def duration_ms(self) -> int | None:
        """From the start of the first attempt to the end, None before that."""
        if self.started_at is None or self.completed_at is None:
            return None
        return max(0, round((self.completed_at - self.started_at).total_seconds() * 1000))

    @property
    def error_message(self) -> str:
        return (self.error or {}).get("message", "")


def parse_execution_id(text: str) -> uuid.UUID | None:
    """Either name of an execution, `exec-<hex>` or a UUID, as a UUID; None if it is neither."""
    try:
        return uuid.UUID(text.removeprefix("exec-"))
    except ValueError:
        return None
