"""What a run asks people, and what they said."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from designs.models.json import StoredJsonField
from designs.rows.ids import new_id
from executor.models.execution import Execution

MAX_KEY = 250
MAX_NAME = 150


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
        ]

    def __str__(self) -> str:
        return self.question[:80]


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
