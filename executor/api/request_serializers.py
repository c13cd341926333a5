"""Shapes of requests to people in the API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from designs.api.base import StrictSerializer
from executor.decisions import Ballot, may_decide, may_see_shown
from executor.models import DecisionRequest, RequestKind, RequestStatus, Verdict

# What a run waits for: a request to people, or a time.
WAITING_KINDS = [*RequestKind.choices, ("time", "Time")]
ON_DUE = ("timed_out", "reject", "fail")


class VoteIn(StrictSerializer):
    """`approve` or `reject`; of a call with an unknown outcome `done`, `again` or `fail`."""

    verdict = serializers.ChoiceField(choices=Verdict.choices)
    reason = serializers.CharField(allow_blank=True, default="", max_length=4_000)
    answers = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        allow_null=True,
        default=None,
        help_text="With `approve`: what the request's `form` asks for.",
    )
    result = serializers.JSONField(
        allow_null=True, required=False, help_text="With `done`: what the call gave."
    )

    def ballot(self) -> Ballot:
        """Of valid data."""
        return Ballot(**self.validated_data)


class DeploymentNamedOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    endpoint_path = serializers.CharField()


class VoteOut(serializers.Serializer[Any]):
    user = serializers.CharField(source="username")
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    reason = serializers.CharField(allow_blank=True)
    answers = serializers.SerializerMethodField(help_text="Null if they are hidden, as `shown`.")
    at = serializers.DateTimeField()

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_answers(self, vote: Any) -> Any:
        return vote.answers if self.context.get("is_shown") else None


class AnswerOut(serializers.Serializer[Any]):
    """What was decided, and by whose vote; `result` is what a person says that a call gave."""

    decision = serializers.ChoiceField(
        choices=("approved", "rejected", "timed_out", "done", "again", "fail")
    )
    result = serializers.JSONField(required=False, allow_null=True)
    by = serializers.CharField(allow_null=True)


class RequestOut(serializers.Serializer[DecisionRequest]):
    """A question to people that a run waits for."""

    id = serializers.UUIDField()
    execution_id = serializers.CharField(source="execution.public_id")
    log_id = serializers.UUIDField(source="execution.pk")
    deployment = DeploymentNamedOut(source="execution.deployment", allow_null=True)
    kind = serializers.ChoiceField(choices=RequestKind.choices)
    status = serializers.ChoiceField(choices=RequestStatus.choices)
    block_id = serializers.CharField(allow_blank=True)
    agent_id = serializers.SerializerMethodField()
    tool = serializers.SerializerMethodField()
    group = serializers.SerializerMethodField(
        help_text="Whose members decide; null: whoever may decide for the deployment."
    )
    # No field of the class: an instance has its own `required`.
    required = serializers.IntegerField(  # type: ignore[assignment]
        help_text="Approvals that are needed."
    )
    question = serializers.CharField(allow_blank=True)
    shown = serializers.SerializerMethodField(
        help_text="For members of the group and for those who may see payloads, else null."
    )
    shown_hidden = serializers.SerializerMethodField()
    form = serializers.JSONField(
        allow_null=True, help_text="The JSON Schema of what an approving vote fills in."
    )
    needs_reason = serializers.BooleanField()
    allows_self = serializers.BooleanField(help_text="Also whoever started the run may decide.")
    due_at = serializers.DateTimeField(allow_null=True)
    on_due = serializers.ChoiceField(choices=ON_DUE)
    may_decide = serializers.SerializerMethodField(help_text="Whether you may vote now.")
    started_by = serializers.CharField(source="execution.triggered_by", allow_blank=True)
    created_at = serializers.DateTimeField()
    decided_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.SerializerMethodField(help_text="Null until it is closed.")
    votes = serializers.SerializerMethodField()

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_agent_id(self, row: DecisionRequest) -> str | None:
        return row.agent_id or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_tool(self, row: DecisionRequest) -> str | None:
        return row.tool or None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_group(self, row: DecisionRequest) -> str | None:
        return row.group or None

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_shown(self, row: DecisionRequest) -> Any:
        return row.shown if self._is_shown(row) else None

    @extend_schema_field(serializers.BooleanField())
    def get_shown_hidden(self, row: DecisionRequest) -> bool:
        return not self._is_shown(row)

    @extend_schema_field(serializers.BooleanField())
    def get_may_decide(self, row: DecisionRequest) -> bool:
        return may_decide(self.context["caller"], row, groups=self.context["groups"])

    @extend_schema_field(AnswerOut(allow_null=True))
    def get_answer(self, row: DecisionRequest) -> dict[str, Any] | None:
        if row.answer is None:
            return None
        is_shown = self._is_shown(row)
        return {k: v for k, v in row.answer.items() if is_shown or k != "result"}

    @extend_schema_field(VoteOut(many=True))
    def get_votes(self, row: DecisionRequest) -> Any:
        context = {"is_shown": self._is_shown(row)}
        return VoteOut(row.votes.all(), many=True, context=context).data

    def _is_shown(self, row: DecisionRequest) -> bool:
        return may_see_shown(self.context["caller"], row, self.context["groups"])


class WaitingForOut(serializers.Serializer[Any]):
    """What a run waits for: a request to people, or (`time`, without a request) a time."""

    request_id = serializers.UUIDField(allow_null=True)
    kind = serializers.ChoiceField(choices=WAITING_KINDS)
    block_id = serializers.CharField()
    group = serializers.CharField(allow_null=True, help_text="Whose members decide.")
    question = serializers.CharField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
