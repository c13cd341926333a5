"""What a run asks people, and what they said."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from designs.access import Caller, hidden_deployments
from designs.models.json import StoredJsonField
from designs.rows.ids import new_id
from executor.models.execution import Execution

MAX_KEY = 250
MAX_NAME = 150
VIEW = "executor.view_decisionrequest"
DECIDE = "executor.decide_request"


class RequestKind(models.TextChoices):
    APPROVAL = "approval", "Approval"
    TOOL_CALL = "tool_call", "Tool call"
    UNKNOWN_OUTCOME = "unknown_outcome", "Unknown outcome"


class RequestStatus(models.TextChoices):
    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    TIMED_OUT = "timed_out", "Timed out"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DecisionRequestQuerySet(models.QuerySet["DecisionRequest"]):
    def for_caller(self, caller: Caller) -> DecisionRequestQuerySet:
        """Those of runs whose deployments the caller may see, and of tries."""
        if not caller.may(VIEW):
            return self.none()
        rows = self.exclude(execution=None)
        if caller.deployment_ids is not None:
            rows = rows.filter(execution__deployment_id__in=caller.deployment_ids)
        if caller.is_superuser:
            return rows
        return rows.exclude(execution__deployment__in=hidden_deployments(caller))

    def open(self) -> DecisionRequestQuerySet:
        return self.filter(status=RequestStatus.OPEN)

    def due(self) -> DecisionRequestQuerySet:
        return self.open().filter(due_at__lte=Now())

    def closed(self) -> DecisionRequestQuerySet:
        """Those with an answer, also if it is that nobody decided in time."""
        return self.exclude(status__in=(RequestStatus.OPEN, RequestStatus.WITHDRAWN))

    def untaken(self) -> DecisionRequestQuerySet:
        """Closed ones that their runs do not know of yet."""
        return self.closed().filter(is_taken=None)

    def waiting_for(self, caller: Caller) -> DecisionRequestQuerySet:
        """The open ones that this person may vote on now, and has not."""
        if caller.user_id is None or not caller.may(DECIDE):
            return self.none()
        groups = Group.objects.filter(user=caller.user_id).values("name")
        rows = self.for_caller(caller).open().filter(Q(group="") | Q(group__in=groups))
        rows = rows.exclude(allows_self=False, execution__user=caller.user_id)
        return rows.exclude(votes__user=caller.user_id)

    def for_list(self) -> DecisionRequestQuerySet:
        """With votes and the related rows that a list shows, without the large columns of runs."""
        rows = self.select_related("execution__deployment", "execution__design")
        return rows.prefetch_related("votes").defer(
            "execution__document", "execution__input_data", "execution__given_outputs",
            "execution__edited", "execution__result_data", "execution__design__draft",
        )  # fmt: skip

    def withdraw(self) -> int:
        """Close the open ones of these without a decision, because nothing waits for it."""
        closed = {"status": RequestStatus.WITHDRAWN, "decided_at": Now()}
        return self.open().update(**closed)


class DecisionRequest(models.Model):
    """A question to people that a run waits for. `key` is that of the step that asks it, so a run
    that is taken up, or resumed, asks nobody twice.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # Null: about something else, which `subject` names.
    execution = models.ForeignKey(
        Execution, null=True, on_delete=models.CASCADE, related_name="requests"
    )
    subject = models.CharField(max_length=MAX_KEY, blank=True)
    key = models.CharField(max_length=MAX_KEY)
    kind = models.CharField(max_length=20, choices=RequestKind.choices)
    block_id = models.CharField(max_length=MAX_KEY, blank=True)
    agent_id = models.CharField(max_length=64, blank=True)
    # `connection.tool`, of a tool call.
    tool = models.CharField(max_length=MAX_KEY, blank=True)
    # The name of the group that decides; empty: whoever may decide for the deployment.
    group = models.CharField(max_length=MAX_NAME, blank=True)
    # Votes that are needed.
    required = models.PositiveSmallIntegerField(default=1)
    question = models.TextField()
    shown = StoredJsonField(null=True)
    # Of a tool call: the digest of the arguments that it is decided for.
    digest = models.CharField(max_length=64, blank=True)
    # The JSON Schema of what each approving vote fills in; null: nothing.
    form = models.JSONField(null=True)
    allows_self = models.BooleanField(default=False)
    needs_reason = models.BooleanField(default=False)
    due_at = models.DateTimeField(null=True)
    # What comes of it when it is due: `timed_out`, `reject` or `fail`.
    on_due = models.CharField(max_length=20, default="timed_out")
    status = models.CharField(
        max_length=10, choices=RequestStatus.choices, default=RequestStatus.OPEN
    )
    # Of a closed one: `decision`, `by`, and `result` if a person said what came of a call.
    answer = StoredJsonField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    decided_at = models.DateTimeField(null=True)
    # True once an attempt of its run has read the decision. A run that waits with a decision that
    # no attempt has read is to be woken.
    is_taken = models.BooleanField(null=True, editable=False)
    # When its mails were handed over for sending; null if that is still to be done.
    told_at = models.DateTimeField(null=True)

    objects = DecisionRequestQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        default_permissions = ("view",)
        permissions = (("decide_request", "Can decide requests of groups they belong to"),)
        constraints = [
            models.UniqueConstraint(fields=("execution", "key"), name="request_execution_key"),
            models.CheckConstraint(
                condition=Q(status__in=RequestStatus.values), name="request_status_known"
            ),
        ]
        indexes = [
            models.Index(fields=("due_at", "id"), name="request_open", condition=Q(status="open")),
            models.Index(
                fields=("execution",),
                name="request_untaken",
                condition=Q(is_taken=None) & ~Q(status__in=("open", "withdrawn")),
            ),
        ]

    def __str__(self) -> str:
        return self.question[:80]

    @property
    def is_open(self) -> bool:
        return self.status == RequestStatus.OPEN

    @property
    def decision(self) -> str:
        """`approved`, `rejected`, `timed_out`, `done`, `again` or `fail`; empty until then."""
        return str((self.answer or {}).get("decision", ""))

    @property
    def closed_by(self) -> str:
        """Who cast the vote that decided; empty if nobody did."""
        return str((self.answer or {}).get("by") or "")

    @property
    def approvals(self) -> int:
        return sum(vote.verdict == Verdict.APPROVE for vote in self.votes.all())


class Verdict(models.TextChoices):
    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
    DONE = "done", "It was done"
    AGAIN = "again", "Call again"
    FAIL = "fail", "Fail"


class Vote(models.Model):
    """One person's word on a request; never changed."""

    request = models.ForeignKey(DecisionRequest, on_delete=models.CASCADE, related_name="votes")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The user's name at that time: it stays when the account is deleted.
    username = models.CharField(max_length=MAX_NAME)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    answers = StoredJsonField(null=True)
    at = models.DateTimeField(auto_now_add=True)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        ordering = ("id",)
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=("request", "user"), name="vote_request_user"),
        ]

    def __str__(self) -> str:
        return f"{self.username}: {self.verdict}"
