"""Executions: their request, state and result."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from designs.access import Caller, hidden_deployments
from designs.models import Design, DesignVersion
from designs.models.json import StoredJsonField
from designs.rows.ids import first_id_at, new_id
from executor.models.causes import MAX_LENGTH, cause_label, error_in_words
from executor.models.starters import MAX_MATCHES, search_starters
from executor.models.status import BUSY, LEASE_EXPIRED, LIVE, RESUMABLE, Status, is_late
from executor.models.took import TOOK

if TYPE_CHECKING:
    from executor.models.results import BlockResult

# Ids have the time of the web server's clock, `created_at` has the database's.
MAX_CLOCK_SKEW = timedelta(hours=1)
# Shorter texts occur by chance in the prefixes of many keys.
MIN_PREFIX_LENGTH = 6
# Replaces the missing deployment of a try in indexes, so that it can be compared.
NO_DEPLOYMENT = uuid.UUID(int=0)


class Trigger(models.TextChoices):
    MANUAL = "manual", "Manual"
    SCHEDULED = "scheduled", "Scheduled"
    API = "api", "API"


class ExecutionQuerySet(models.QuerySet["Execution"]):
    def for_caller(self, caller: Caller) -> ExecutionQuerySet:
        return visible_to(caller, self)

    def for_list(self) -> ExecutionQuerySet:
        """With the related rows that a list shows, without large columns."""
        return self.select_related("deployment", "design", "version").defer(
            "document", "input_data", "given_outputs", "edited", "result_data", "design__draft",
            "version__document",
        )  # fmt: skip

    def page(
        self, *, before: str = "", after: str = "", size: int = 50
    ) -> tuple[list[Execution], bool, bool]:
        """One page by keyset, newest first: (rows, has newer rows, has older rows).

        It ends `before` or starts `after` the execution of that name; invalid names give the newest
        page.
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
        """Search by the name of the deployment, the design, or the starter."""
        return self.filter(matching_names(text, caller))

    def created_from(self, at: datetime) -> ExecutionQuerySet:
        """Accepted at that time or later; the time in ids lets this use the primary key."""
        return self.filter(created_at__gte=at, pk__gte=first_id_at(at - MAX_CLOCK_SKEW))

    def created_until(self, at: datetime) -> ExecutionQuerySet:
        return self.filter(created_at__lt=at, pk__lt=first_id_at(at + MAX_CLOCK_SKEW))

    def uncounted(self) -> ExecutionQuerySet:
        """Not in the daily totals yet: live ones, and those that ended a moment ago."""
        return self.filter(is_counted=None)

    def live(self) -> ExecutionQuerySet:
        return self.filter(status__in=LIVE)

    def lost(self) -> ExecutionQuerySet:
        return self.filter(LEASE_EXPIRED, status=Status.RUNNING)

    def late(self) -> ExecutionQuerySet:
        return self.live().filter(is_late())

    def queued(self) -> ExecutionQuerySet:
        return self.filter(status=Status.QUEUED)

    def waiting(self) -> ExecutionQuerySet:
        return self.filter(status=Status.WAITING)

    def busy(self) -> ExecutionQuerySet:
        """Live, and not waiting for people or for a time: what counts towards limits."""
        return self.filter(status__in=BUSY)


def matching_names(text: str, caller: Caller) -> Q:
    """The condition that the deployment, the design or the starter has the text in its name: a
    person, a schedule, or a key that the caller may see.

    The names are looked up first, in small tables, so that the history is read by indexes.
    """
    deployment = Execution._meta.get_field("deployment").related_model
    person = Execution._meta.get_field("user").related_model
    key = apps.get_model("deployments", "ApiKey")

    def search(rows: Any, field: str, value: str = text) -> list[Any]:
        rows = rows.filter(**{f"{field}__icontains": value}).order_by("pk")
        return list(rows.values_list("pk", flat=True)[:MAX_MATCHES])

    keys = key._default_manager.for_caller(caller)
    # A key without a name is displayed as orc_<prefix>_…
    prefix = text.removeprefix("orc_").rstrip("_…")
    by_prefix = search(keys, "prefix", prefix) if len(prefix) >= MIN_PREFIX_LENGTH else []
    return (
        Q(deployment__in=search(deployment._default_manager.all(), "endpoint_path"))
        | Q(design__in=search(Design.objects.all(), "name"))
        | Q(user__in=search(person._default_manager.all(), "username"))
        | Q(triggered_by__in=search_starters(text))
        | Q(key_id__in=[*search(keys, "name"), *by_prefix])
    )


def visible_to(caller: Caller, rows: Any) -> Any:
    """Those of the executions, or totals of them, whose deployments the caller may see."""
    if not caller.may("executor.view_execution"):
        return rows.none()
    if caller.deployment_ids is not None:
        rows = rows.filter(deployment_id__in=caller.deployment_ids)
    if caller.is_superuser:
        return rows
    # A negated EXISTS on the link table; a join would repeat rows and lose the index order.
    return rows.exclude(deployment__in=hidden_deployments(caller))


class Execution(models.Model):
    """One run, from acceptance to its end. Its status changes in `executor.states` only.

    All that the run needs of its deployment is frozen here at acceptance.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    deployment = models.ForeignKey(
        "deployments.Deployment", null=True, on_delete=models.PROTECT, related_name="executions"
    )
    # The indexes below begin with it.
    design = models.ForeignKey(
        Design, on_delete=models.PROTECT, related_name="executions", db_index=False
    )
    version = models.ForeignKey(
        DesignVersion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    # Set for tries of a draft, or of a version with another model.
    document = StoredJsonField(null=True)
    # Set if only one block runs: `only`, its id, and `label`.
    part = models.JSONField(null=True)
    # For such a run, by id of blocks upstream: `output`, and `by_agent` where its agents' outputs
    # are others; null for a block that delivered nothing.
    given_outputs = StoredJsonField(null=True)
    # Of a run that goes on from a chosen block of an earlier one: see `executor.history.kept`.
    edited = StoredJsonField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    degraded = models.BooleanField(default=False)
    degraded_reasons = models.JSONField(default=list)
    trigger_type = models.CharField(max_length=10, choices=Trigger.choices)
    triggered_by = models.CharField(max_length=200, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The address and the key of the call. Null, and no foreign key, so that SQLite can add the
    # columns without rebuilding the table.
    caller_address = models.GenericIPAddressField(null=True)
    key_id = models.UUIDField(null=True)
    # The key, person or schedule that the run counts for in the queue (`Caller.turn_key`). Null
    # only so that SQLite can add the column without rebuilding the table; new rows always have it.
    caller_key = models.CharField(max_length=100, null=True, db_default="")  # noqa: DJ001
    # The maximum of executions of that caller that run at once; None: no limit.
    caller_max_concurrent = models.PositiveIntegerField(null=True)
    input_data = StoredJsonField(default=dict)
    result_data = StoredJsonField(null=True)
    error = models.JSONField(null=True)
    # Of a run that failed or timed out: see `executor.models.causes`.
    cause = models.CharField(max_length=MAX_LENGTH, null=True)  # noqa: DJ001 - see settles
    models_default = models.JSONField(default=list)
    # The model that a person chose instead of all that the design names.
    model_override = models.CharField(max_length=200, null=True)  # noqa: DJ001 - see settles
    limits = models.JSONField(default=dict)
    # True if the deployment is notified of the end (for a callback), else null, so that SQLite can
    # add the column without rebuilding the table, which would lose its triggers.
    settles = models.BooleanField(null=True)
    # True once the daily totals have counted it, else null.
    is_counted = models.BooleanField(null=True, editable=False)
    # True: retention leaves it alone.
    is_held = models.BooleanField("held", null=True)
    # When retention removed its input, result, prompts and answers.
    payload_removed_at = models.DateTimeField(null=True, editable=False)
    # The maximum of executions of the deployment that run at once; None: no limit.
    max_concurrent = models.PositiveIntegerField(null=True)
    # Of designs inside its blocks that are named by a deployment's path: by path, the version that
    # was deployed there when the run was accepted. Null if there are none.
    nested = models.JSONField(null=True)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    deadline_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    # Waiting counts as no running time: what was left of the deadline when it began to wait, and
    # how long it has waited altogether; null if it never did.
    waiting_since = models.DateTimeField(null=True)
    seconds_left = models.FloatField(null=True)
    waited_ms = models.PositiveBigIntegerField(null=True)

    attempt = models.PositiveIntegerField(default=0)
    losses = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)

    model_calls = models.PositiveIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    # Null: none.
    tool_calls = models.PositiveIntegerField(null=True)

    rerun_of = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="reruns"
    )
    resumed_from = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="resumes"
    )

    # True for an instance that this process inserts as running, by its own clock.
    begun_here = False
    # For such an instance, the rows of its running blocks that are inserted with it.
    begun_blocks: Sequence[BlockResult] = ()

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        # Ids begin with their time, so one column sorts, paginates and is the index.
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
            models.Index(fields=("design", "-id"), name="execution_by_design"),
            models.Index(
                fields=("design", "-id"),
                name="execution_tries_by_design",
                condition=Q(deployment=None),
            ),
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
            # Counts the running ones of a deployment, and finds the next queued one.
            models.Index(
                fields=("deployment", "status", "id"),
                name="execution_live_by_deployment",
                condition=Q(status__in=("queued", "running", "waiting")),
            ),
            # Steps through the queue from caller to caller, and deployment to deployment.
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
            models.Index(fields=("-id",), name="execution_degraded", condition=Q(degraded=True)),
            models.Index(
                TOOK.desc(),
                F("id").desc(),
                name="execution_by_duration",
                condition=Q(started_at__isnull=False, completed_at__isnull=False),
            ),
            models.Index(
                fields=("-cost_usd", "-id"),
                name="execution_by_cost",
                condition=Q(cost_usd__isnull=False),
            ),
            models.Index(
                fields=("cause", "-id"),
                name="execution_by_cause",
                condition=Q(cause__isnull=False),
            ),
            # The rows that retention has yet to empty.
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
        """`exec-` and the id's 32 hex digits: the name for people and scripts."""
        return f"exec-{self.id.hex}"

    @property
    def short_id(self) -> str:
        return self.id.hex[-8:]

    @property
    def only_block(self) -> str | None:
        """The id of the only block that runs; None if the whole design does."""
        return None if self.part is None else str(self.part["only"])

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def is_resumable(self) -> bool:
        """It ended before its work was done, was not refused, and its steps are still there."""
        was_refused = self.status == Status.FAILED and self.attempt == 0
        return self.status in RESUMABLE and not was_refused and self.payload_removed_at is None

    @property
    def is_resumable_from_blocks(self) -> bool:
        """It can also have been completed: a chosen block and what depends on it run again."""
        is_done = self.status == Status.COMPLETED and self.payload_removed_at is None
        return self.is_resumable or is_done

    @property
    def duration_ms(self) -> int | None:
        """From the start of the first attempt to the end, without what it waited for people or for
        a time; None until then.
        """
        if self.started_at is None or self.completed_at is None:
            return None
        took = round((self.completed_at - self.started_at).total_seconds() * 1000)
        return max(0, took - (self.waited_ms or 0))

    @property
    def cause_label(self) -> str:
        return cause_label(self.cause)

    @property
    def error_message(self) -> str:
        return (self.error or {}).get("message", "")

    @property
    def error_in_words(self) -> str:
        return error_in_words(str(self.error_message), self.cause)


def parse_execution_id(text: str) -> uuid.UUID | None:
    """Parses `exec-<hex>` or a UUID; None if the text is neither."""
    try:
        return uuid.UUID(text.removeprefix("exec-"))
    except ValueError:
        return None
