"""A deployment: a published version under a path, with its limits."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.text import slugify

from deployments.models.limits import CallLimits, RunLimits
from deployments.models.schedule import Schedule
from designs.access import Caller, hidden_deployments
from designs.models import Design, DesignVersion
from designs.outgoing.addresses import AddressRefused, check_url
from designs.rows.ids import new_id
from designs.secrets.masking import masked
from executor.models import DailyTotals, Execution
from executor.models import Status as ExecutionStatus

ENDPOINT_PATH = re.compile(r"(/[a-z0-9_-]+)+")
ENDPOINT_PATH_RULE = (
    "An endpoint path starts with / and has lower-case letters, digits, - and _ between slashes, "
    "for instance /support/triage."
)

# A suggested path is short, and found among so many that begin alike.
MAX_SUGGESTED = 60
MAX_TRIED = 1_000


def check_endpoint_path(value: str) -> None:
    if len(value) > 200 or not ENDPOINT_PATH.fullmatch(value):
        raise ValidationError(ENDPOINT_PATH_RULE, code="endpoint_path")
    if masked(value) != value:
        raise ValidationError(
            "This path holds what looks like a key, and everybody may read paths. Choose another.",
            code="endpoint_path",
        )


def check_callback_url(value: str) -> None:
    try:
        check_url(value, settings.ENVIRONMENT.egress_allow)
    except AddressRefused as error:
        raise ValidationError(str(error), code="callback_url") from error
    if masked(value) != value:
        raise ValidationError(
            "This address holds what looks like a key, and it is kept as it is. Leave it out: "
            "callbacks are signed, so the server can tell whose they are.",
            code="callback_url",
        )


class DeploymentQuerySet(models.QuerySet["Deployment"]):
    def present(self) -> DeploymentQuerySet:
        """Without undeployed rows."""
        return self.filter(removed_at=None)

    def for_caller(self, caller: Caller) -> DeploymentQuerySet:
        """Those that the caller may see: by permission, the key's bounds and the deployment's
        groups.
        """
        return self.present().seen_by(caller)

    def seen_by(self, caller: Caller) -> DeploymentQuerySet:
        """Like `for_caller`, with undeployed rows, which the history names."""
        if not caller.may("deployments.view_deployment"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            rows = rows.filter(pk__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        return rows.exclude(pk__in=hidden_deployments(caller))

    def with_totals(self) -> DeploymentQuerySet:
        """Adds `execution_count`, `last_execution_at` and `next_run_at`: from the daily totals, and
        from indexes that hold what the totals do not count yet.
        """
        ours = DailyTotals.objects.filter(deployment=OuterRef("pk")).order_by()
        totals = ours.values("deployment")
        rest = Execution.objects.uncounted().filter(deployment=OuterRef("pk")).order_by()
        due = Schedule.objects.filter(
            deployment=OuterRef("pk"), next_run_at__isnull=False
        ).order_by()
        counted = Subquery(totals.annotate(n=Sum("runs")).values("n"))
        uncounted = Subquery(rest.values("deployment").annotate(n=Count("pk")).values("n"))
        return self.annotate(
            execution_count=Coalesce(counted, 0, output_field=models.BigIntegerField())
            + Coalesce(uncounted, 0),
            last_execution_at=Coalesce(
                Subquery(_newest_runs().values("created_at")[:1]),
                Subquery(totals.annotate(at=Max("last_run_at")).values("at")),
            ),
            next_run_at=Subquery(due.order_by("next_run_at").values("next_run_at")[:1]),
        )

    def with_last_run(self) -> DeploymentQuerySet:
        """Adds `last_run_id` and `last_run_status`, each the first entry of one index."""
        return self.annotate(
            last_run_id=Subquery(_newest_runs().values("pk")[:1]),
            last_run_status=Subquery(_newest_runs().values("status")[:1]),
        )

    def in_state(self, state: str) -> DeploymentQuerySet:
        """Those in one of STATES; needs `with_last_run`. All for any other text."""
        return self.filter(STATES[state]) if state in STATES else self

    def count_states(self) -> dict[str, int]:
        """How many are in each of STATES, and `all`; needs `with_last_run`."""
        counts = {name: Count("pk", filter=condition) for name, condition in STATES.items()}
        return self.order_by().aggregate(all=Count("pk"), **counts)

    def free_path(self, name: str) -> str:
        """A path that is made of the name and answers for no deployment yet."""
        path = f"/{slugify(name)[:MAX_SUGGESTED].strip('-_') or 'design'}"
        try:
            check_endpoint_path(path)
        except ValidationError:
            path = "/design"
        taken = self.present().filter(endpoint_path__startswith=path)
        paths = set(taken.values_list("endpoint_path", flat=True)[:MAX_TRIED])
        numbered = (f"{path}-{number}" for number in range(2, MAX_TRIED + 3))
        return next(found for found in (path, *numbered) if found not in paths)

    def containing(self, text: str) -> DeploymentQuerySet:
        """Those with the text in their path or their design's name."""
        if not text:
            return self
        return self.filter(Q(endpoint_path__icontains=text) | Q(design__name__icontains=text))


# States that a list is narrowed to: a failing one is active, and its last run failed.
STATES = {
    "active": Q(status="active"),
    "failing": Q(status="active", last_run_status__in=("failed", "timed_out")),
    "paused": Q(status="error"),
    "off": Q(status="inactive"),
}


def _newest_runs() -> models.QuerySet[Execution]:
    return Execution.objects.filter(deployment=OuterRef("pk")).order_by("-id")


class Deployment(RunLimits, CallLimits):
    """A published version offered under a path. An undeployed row stays for the history."""

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
    callback_url = models.CharField(
        max_length=2000,
        blank=True,
        validators=[check_callback_url],
        help_text="Where the end of each run is posted to, signed; empty: nowhere.",
    )
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
