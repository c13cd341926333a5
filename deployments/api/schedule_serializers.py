"""Shapes of schedules, their occurrences, previews and back-fills in the API."""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deployments.models import Occurrence, Schedule
from deployments.models.schedule import OPTIONS
from deployments.occurrences import MAX_EVERY_SECONDS, PlannedRun
from deployments.schedules.fields import NUMBERS, READ_ONLY
from designs.api.base import StrictSerializer
from designs.api.fields import MomentField, field_out
from executor.models import Status

MAX_PREVIEWED = 100


class ScheduleIn(StrictSerializer):
    """Either a cron expression or an interval."""

    read_only_names = READ_ONLY

    enabled = serializers.BooleanField(default=True)
    cron_expression = serializers.CharField(allow_null=True, required=False, max_length=200)
    interval_seconds = serializers.IntegerField(
        allow_null=True, required=False, help_text=f"1 to {MAX_EVERY_SECONDS}."
    )
    timezone = serializers.CharField(
        default="UTC", max_length=64, help_text="IANA name; whose clock cron means."
    )
    start_at = MomentField(
        allow_null=True, required=False, help_text="No run before; intervals are counted from it."
    )
    end_at = MomentField(allow_null=True, required=False, help_text="No run after.")
    one_off = serializers.BooleanField(
        required=False, help_text="One run only; then it switches itself off."
    )
    calendar_id = serializers.UUIDField(
        allow_null=True, required=False, help_text="An exclusion calendar: no runs on its days."
    )
    input_data = serializers.DictField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), **{name: option_in(name) for name in OPTIONS}}


class ChosenOption(serializers.ChoiceField):
    """Documents its choices; the store checks them, with all the other fields."""

    def to_internal_value(self, data: Any) -> Any:
        return serializers.CharField().run_validation(data)


def option_in(name: str) -> serializers.Field[Any, Any, Any, Any]:
    """Its bounds are in the schema only, for the same reason."""
    column: Any = Schedule._meta.get_field(name)
    options = {"required": False, "allow_null": column.null, "help_text": column.help_text}
    if column.choices:
        return ChosenOption(choices=column.choices, **options)
    schema = {
        "type": "integer",
        "minimum": NUMBERS[name]["min_value"],
        "maximum": NUMBERS[name]["max_value"],
        "default": column.get_default(),
    }
    field: Any = serializers.IntegerField(**options)
    return cast(serializers.IntegerField, extend_schema_field(schema)(field))


class ScheduleOut(serializers.Serializer[Any]):
    """A schedule as `store.describe` tells it; without its input for those who may not see it."""

    id = serializers.UUIDField()
    deployment_id = serializers.UUIDField()
    enabled = serializers.BooleanField()
    cron_expression = serializers.CharField(allow_null=True)
    interval_seconds = serializers.IntegerField(allow_null=True)
    timezone = serializers.CharField()
    start_at = serializers.DateTimeField(allow_null=True)
    end_at = serializers.DateTimeField(allow_null=True)
    one_off = serializers.BooleanField()
    input_data = serializers.SerializerMethodField()
    payload_hidden = serializers.SerializerMethodField()
    calendar_id = serializers.UUIDField(allow_null=True)
    next_run_at = serializers.DateTimeField(
        allow_null=True, help_text="The next planned time that no calendar leaves out."
    )
    is_all_left_out = serializers.BooleanField(
        help_text="Its calendar leaves out every planned time that is left."
    )
    words = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, Any]:
        options = {name: field_out(Schedule._meta.get_field(name)) for name in OPTIONS}
        return {**super().get_fields(), **options}

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_input_data(self, schedule: dict[str, Any]) -> dict[str, Any] | None:
        return None if self._hides() else schedule["input_data"]

    def get_payload_hidden(self, schedule: dict[str, Any]) -> bool:
        return self._hides()

    def _hides(self) -> bool:
        return not self.context["caller"].may("executor.view_payload")


class OccurrenceOut(serializers.Serializer[Occurrence]):
    """One planned time and what became of it."""

    id = serializers.IntegerField()
    due_at = serializers.DateTimeField(help_text="The planned time.")
    outcome = serializers.ChoiceField(choices=Occurrence.Outcome.choices)
    policy = serializers.ChoiceField(
        choices=Occurrence.Policy.choices,
        allow_blank=True,
        help_text="Which choice decided; empty where it was simply on time.",
    )
    calendar_name = serializers.CharField(
        allow_null=True, help_text="Which calendar left it out; null for other outcomes."
    )
    started_at = serializers.DateTimeField(allow_null=True)
    start_delay_seconds = serializers.SerializerMethodField()
    execution_id = serializers.SerializerMethodField()
    log_id = serializers.UUIDField(source="execution.pk", default=None)
    status = serializers.ChoiceField(
        source="execution.status", choices=Status.choices, default=None, allow_null=True
    )

    def get_start_delay_seconds(self, occurrence: Occurrence) -> float | None:
        delay = occurrence.start_delay
        return None if delay is None else round(delay.total_seconds(), 3)

    def get_execution_id(self, occurrence: Occurrence) -> str | None:
        return None if occurrence.execution is None else occurrence.execution.public_id


class PreviewIn(ScheduleIn):
    """A schedule that need not be stored, and how many runs to show."""

    count = serializers.IntegerField(min_value=1, max_value=MAX_PREVIEWED, default=10)


class RunPlannedOut(serializers.Serializer[PlannedRun]):
    """One planned time."""

    at = serializers.DateTimeField()
    local = serializers.SerializerMethodField(help_text="On the clock of the time zone.")
    offset = serializers.CharField(help_text="Local time ahead of UTC, as in +02:00.")
    remark = serializers.CharField(
        help_text="What daylight saving does, and what the calendar left out before this; empty on "
        "ordinary days."
    )

    def get_local(self, run: PlannedRun) -> str:
        return run.local.isoformat()


class PreviewOut(serializers.Serializer[Any]):
    """The next runs of a schedule, and the schedule in words."""

    words = serializers.CharField()
    timezone = serializers.CharField()
    runs = RunPlannedOut(many=True)


class BackfillIn(StrictSerializer):
    """A span of the past, both ends included."""

    until = MomentField()
    with_excluded = serializers.BooleanField(
        default=False, help_text="Also on days that the schedule's calendar leaves out."
    )
    confirm = serializers.BooleanField(default=False, help_text="Without it nothing is started.")

    def get_fields(self) -> Any:
        # `from` is a word of Python.
        return {"from": MomentField(source="since"), **super().get_fields()}


class BackfillOut(serializers.Serializer[Any]):
    """What a back-fill starts, or (`started`) has started."""

    runs = serializers.IntegerField()
    started = serializers.BooleanField()
    already_ran = serializers.IntegerField(
        help_text="Planned times in the span that had their run, and are left alone."
    )
    left_out = serializers.IntegerField(
        help_text="Planned times in the span on days that the calendar leaves out."
    )
    one_after_another = serializers.BooleanField(
        help_text="False if the schedule lets its runs overlap: then all start at once."
    )
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
