"""Shapes of deployments in the API. Input and output are never the same serializer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deployments.api.schedule_serializers import ScheduleIn, ScheduleOut
from deployments.models import LIMITS, Deployment
from deployments.schedules.store import schedule_of
from designs.api.base import StrictSerializer
from designs.api.fields import field_in, field_out
from designs.models import Design
from executor.api.serializers import UsageOut


class LimitsIn(StrictSerializer):
    callback_url = serializers.CharField(max_length=2_000, allow_blank=True, default="")

    def get_fields(self) -> dict[str, Any]:
        limits = {name: field_in(Deployment._meta.get_field(name)) for name in LIMITS}
        return {**super().get_fields(), **limits}


class DeploymentIn(LimitsIn):
    """A design to deploy."""

    design_id = serializers.UUIDField()
    endpoint_path = serializers.CharField(max_length=200)
    version = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    schedule = ScheduleIn(required=False, allow_null=True)


READ_ONLY_DEPLOYMENT = frozenset(
    {
        "id", "design_id", "design_name", "endpoint_url", "status_reason", "created_at",
        "updated_at",
        "last_execution_at", "execution_count", "next_run_at", "usage",
    }
)  # fmt: skip


class DeploymentChange(LimitsIn):
    """PUT resets omitted fields and ignores read-only ones."""

    read_only_names = READ_ONLY_DEPLOYMENT

    endpoint_path = serializers.CharField(max_length=200)
    # `error` is set by the installation only, but PUT sends back what GET showed.
    status = serializers.ChoiceField(
        choices=Deployment.Status.choices, default=Deployment.Status.ACTIVE
    )
    version = serializers.IntegerField(min_value=1, required=False)
    schedule = ScheduleIn(allow_null=True, default=None)

    def validate_status(self, value: str) -> str:
        if value == Deployment.Status.ERROR and self.context["deployment"].status != value:
            raise serializers.ValidationError(
                "Choose active or inactive; error is set by the installation."
            )
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A paused deployment stays paused unless the request sets its status."""
        is_paused = self.context["deployment"].status == Deployment.Status.ERROR
        if is_paused and "status" not in self.initial_data:
            attrs.pop("status", None)
        return attrs


class ExecuteIn(StrictSerializer):
    input_data = serializers.DictField(required=False, default=dict)
    callback_url = serializers.CharField(max_length=2_000, allow_blank=True, default="")


class SumsOut(serializers.Serializer[Any]):
    """Totals of runs; those still running are counted in `runs`."""

    runs = serializers.IntegerField()
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    timed_out = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    model_calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField(allow_null=True)


class DeploymentUsageOut(serializers.Serializer[Any]):
    """By the days (UTC) on which runs ended; what retention removed is counted still."""

    today = SumsOut()
    last_30_days = SumsOut()
    total = SumsOut()


class DeploymentOut(serializers.Serializer[Deployment]):
    id = serializers.UUIDField()
    design_id = serializers.UUIDField()
    design_name = serializers.CharField(source="design.name")
    version = serializers.IntegerField(source="version.number")
    endpoint_path = serializers.CharField()
    endpoint_url = serializers.CharField()
    status = serializers.ChoiceField(choices=Deployment.Status.choices)
    status_reason = serializers.CharField()
    schedule = serializers.SerializerMethodField()
    callback_url = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_execution_at = serializers.DateTimeField(allow_null=True)
    execution_count = serializers.IntegerField()
    usage = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, Any]:
        limits = {name: field_out(Deployment._meta.get_field(name)) for name in LIMITS}
        return {**super().get_fields(), **limits}

    @extend_schema_field(DeploymentUsageOut)
    def get_usage(self, deployment: Deployment) -> dict[str, Any]:
        return DeploymentUsageOut(self.context["usage"][deployment.pk]).data

    def get_callback_url(self, deployment: Deployment) -> str | None:
        """Null for those who may not change it: such addresses may hold a secret."""
        may = self.context["caller"].may("deployments.change_deployment")
        return deployment.callback_url if may else None

    @extend_schema_field(ScheduleOut(allow_null=True))
    def get_schedule(self, deployment: Deployment) -> dict[str, Any] | None:
        schedule = schedule_of(deployment)
        return None if schedule is None else ScheduleOut(schedule, context=self.context).data


class RunOut(serializers.Serializer[Any]):
    """The answer of a finished run."""

    success = serializers.BooleanField()
    execution_id = serializers.CharField()
    log_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=[("completed", "Completed")])
    degraded = serializers.BooleanField()
    degraded_reasons = serializers.ListField(child=serializers.CharField())
    result = serializers.JSONField(allow_null=True)
    results = serializers.DictField()
    usage = UsageOut()
    duration_ms = serializers.IntegerField(allow_null=True)


def design_for(caller: Any, pk: Any) -> Design:
    """Raises ValidationError if the caller sees no such design."""
    design = Design.objects.for_caller(caller).filter(pk=pk).first()
    if design is None:
        raise serializers.ValidationError({"design_id": ["There is no such design."]})
    return design
