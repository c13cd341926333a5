"""The API of schedules: several a deployment, what became of planned times, preview, back-fill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.callbacks import DeploymentPart
from deployments.api.schedule_serializers import (
    BackfillIn,
    BackfillOut,
    OccurrenceOut,
    PreviewIn,
    PreviewOut,
    ScheduleIn,
    ScheduleOut,
)
from deployments.errors import ScheduleInvalid
from deployments.models import Occurrence, Schedule
from deployments.schedules.backfill import Backfill, plan_backfill, start_backfill
from deployments.schedules.scheduling import (
    add_schedule,
    change_schedule,
    remove_schedule,
    update_schedule,
)
from deployments.schedules.store import describe, preview_fields
from designs.api.base import ID, ApiView
from designs.api.lists import BoundedPages, CursorPages, answer_page
from designs.api.permissions import require

SCHEDULE_ID = ID.replace("<pk>", "<schedule_id>")


class OccurrencePages(CursorPages):
    ordering = ("-due_at", "-id")  # type: ignore[assignment]


class DescribedOut(ScheduleOut):
    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(describe(instance))


class ScheduleBase(DeploymentPart):
    def rows(self, pk: str) -> Any:
        seen = Schedule.objects.for_caller(self.caller).with_rule()
        return seen.filter(deployment=self.deployment(pk)).select_related("deployment")

    def schedule(self, pk: str, schedule_id: str) -> Schedule:
        schedule: Schedule = get_object_or_404(self.rows(pk), pk=schedule_id)
        return schedule

    def shown(self, schedule: Schedule) -> dict[str, Any]:
        row = Schedule.objects.with_rule().get(pk=schedule.pk)
        return DescribedOut(row, context={"caller": self.caller}).data


def checked(change: Callable[..., Schedule], **arguments: Any) -> Schedule:
    """Call a service; its problems are reported by the names of this request's fields."""
    try:
        return change(**arguments)
    except ScheduleInvalid as error:
        raise ValidationError(error.errors) from error


class ScheduleListView(ScheduleBase):
    """The schedules of a deployment, the first one first: its `schedule`."""

    permissions = {"GET": "deployments.view_schedule", "POST": "deployments.add_schedule"}

    @extend_schema(operation_id="schedules_list", responses={200: ScheduleOut(many=True)})
    def get(self, request: Request, pk: str) -> Response:
        rows = self.rows(pk).order_by("created_at", "id")
        return answer_page(self, BoundedPages(), rows, DescribedOut, large=("input_data",))

    @extend_schema(
        operation_id="schedules_create", request=ScheduleIn, responses={201: ScheduleOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        deployment = self.deployment(pk)
        schedule = checked(add_schedule, deployment=deployment, fields=self.body(ScheduleIn))
        url = f"/api/deployments/{deployment.pk}/schedules/{schedule.pk}"
        return Response(self.shown(schedule), status.HTTP_201_CREATED, headers={"Location": url})


class ScheduleDetailView(ScheduleBase):
    """One schedule: read, change, end."""

    permissions = {
        "GET": "deployments.view_schedule",
        "PUT": "deployments.change_schedule",
        "PATCH": "deployments.change_schedule",
        "DELETE": "deployments.delete_schedule",
    }

    @extend_schema(operation_id="schedules_read", responses={200: ScheduleOut})
    def get(self, request: Request, pk: str, schedule_id: str) -> Response:
        return Response(self.shown(self.schedule(pk, schedule_id)))

    @extend_schema(
        operation_id="schedules_replace", request=ScheduleIn, responses={200: ScheduleOut}
    )
    def put(self, request: Request, pk: str, schedule_id: str) -> Response:
        """Omitted fields get their defaults."""
        schedule = self.schedule(pk, schedule_id)
        fields = self.body(ScheduleIn)
        return Response(self.shown(checked(change_schedule, schedule=schedule, fields=fields)))

    @extend_schema(
        operation_id="schedules_change", request=ScheduleIn, responses={200: ScheduleOut}
    )
    def patch(self, request: Request, pk: str, schedule_id: str) -> Response:
        """A cron expression takes the place of an interval, and the other way round."""
        schedule = self.schedule(pk, schedule_id)
        changes = self.body(ScheduleIn, partial=True)
        return Response(self.shown(checked(update_schedule, schedule=schedule, changes=changes)))

    @extend_schema(operation_id="schedules_delete", responses={204: None})
    def delete(self, request: Request, pk: str, schedule_id: str) -> Response:
        """Its occurrences go with it; its executions stay."""
        remove_schedule(schedule=self.schedule(pk, schedule_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class OccurrenceFilter(django_filters.FilterSet):
    outcome = django_filters.ChoiceFilter(choices=Occurrence.Outcome.choices)

    class Meta:
        model = Occurrence
        fields: tuple[str, ...] = ()


class OccurrenceListView(ScheduleBase):
    """What became of a schedule's planned times, latest first."""

    permissions = {"GET": "deployments.view_occurrence"}
    pagination_class = OccurrencePages

    @extend_schema(
        operation_id="schedules_occurrences",
        parameters=[
            OpenApiParameter("outcome", enum=Occurrence.Outcome.values),
            OpenApiParameter("limit", type=int),
            OpenApiParameter("cursor"),
        ],
        responses={200: OccurrenceOut(many=True)},
    )
    def get(self, request: Request, pk: str, schedule_id: str) -> Response:
        seen = Occurrence.objects.for_caller(self.caller).for_list()
        rows = seen.filter(schedule=self.schedule(pk, schedule_id))
        return answer_page(self, OccurrencePages(), rows, OccurrenceOut, filters=OccurrenceFilter)


class BackfillView(ScheduleBase):
    """Run what had no run."""

    permissions = {"POST": "deployments.change_schedule"}

    @extend_schema(
        operation_id="schedules_backfill",
        request=BackfillIn,
        responses={200: BackfillOut, 202: BackfillOut},
    )
    def post(self, request: Request, pk: str, schedule_id: str) -> Response:
        """200 says how many runs it would start; with `confirm` 202, and they start.

        Each planned time has one run at most, however often this is asked for. The right to execute
        is needed, too.
        """
        schedule = self.schedule(pk, schedule_id)
        require(self.caller, "deployments.execute_deployment")
        span = self.body(BackfillIn)
        if not span.pop("confirm"):
            return Response(_told(plan_backfill(schedule=schedule, **span), started=False))
        done = start_backfill(schedule=schedule, **span)
        return Response(_told(done, started=True), status.HTTP_202_ACCEPTED)


def _told(plan: Backfill, *, started: bool) -> dict[str, Any]:
    return BackfillOut(
        {
            "runs": plan.runs,
            "started": started,
            "already_ran": plan.served,
            "left_out": plan.left_out,
            "one_after_another": plan.one_after_another,
            "first_at": plan.times[0] if plan.times else None,
            "last_at": plan.times[-1] if plan.times else None,
        }
    ).data


class SchedulePreviewView(ApiView):
    """The next runs of a schedule that need not be stored."""

    permissions = {"POST": "deployments.view_schedule"}

    @extend_schema(operation_id="schedules_preview", request=PreviewIn, responses={200: PreviewOut})
    def post(self, request: Request) -> Response:
        """Times with their offset, the rule in words, and what daylight saving does."""
        fields = self.body(PreviewIn)
        count = fields.pop("count")
        try:
            words, runs = preview_fields(fields, most=count)
        except ScheduleInvalid as error:
            raise ValidationError(error.errors) from error
        zone = "UTC" if fields.get("interval_seconds") is not None else fields["timezone"]
        return Response(PreviewOut({"words": words, "timezone": zone, "runs": runs}).data)
