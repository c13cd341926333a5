"""The API of exclusion calendars."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.errors import CalendarInvalid
from deployments.models import ExclusionCalendar, Schedule
from deployments.schedules.calendars import (
    MAX_ENTRIES,
    MAX_NAME,
    change_calendar,
    create_calendar,
    delete_calendar,
)
from designs.api.base import ApiView, StrictSerializer
from designs.api.lists import Pages, answer_page

MAX_NAMED = 50


class EntryOut(serializers.Serializer[Any]):
    """Days that are left out, both ends included."""

    until = serializers.CharField(help_text="As `from`; without it the one day.", required=False)
    name = serializers.CharField(required=False, allow_blank=True)

    def get_fields(self) -> Any:
        # `from` is a word of Python.
        first = serializers.CharField(help_text="A day as in 2026-12-24.")
        return {"from": first, **super().get_fields()}


@extend_schema_field(EntryOut(many=True))
class EntryList(serializers.ListField):
    """Documents its items; the service checks them."""


class CalendarIn(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME)
    entries = EntryList(child=serializers.DictField(), max_length=MAX_ENTRIES, default=list)


class CalendarOut(serializers.Serializer[ExclusionCalendar]):
    """Days on which the schedules that use it do not run, by the clock of each one's time zone."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    entries = EntryOut(many=True)
    days = serializers.IntegerField(source="exclusions.days", help_text="How many it leaves out.")
    schedule_ids = serializers.SerializerMethodField(
        help_text=f"Schedules that use it and that you may see, up to {MAX_NAMED}."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_schedule_ids(self, calendar: ExclusionCalendar) -> list[str]:
        used: dict[Any, list[str]] = self.context["used"]
        return used.get(calendar.pk, [])


class CalendarBase(ApiView):
    def calendar(self, pk: str) -> ExclusionCalendar:
        rows = ExclusionCalendar.objects.for_caller(self.caller)
        calendar: ExclusionCalendar = get_object_or_404(rows, pk=pk)
        return calendar

    def used(self, calendars: list[ExclusionCalendar]) -> dict[str, Any]:
        used: dict[Any, list[str]] = {}
        seen = Schedule.objects.for_caller(self.caller).filter(calendar__in=calendars)
        for calendar, pk in seen.order_by("created_at").values_list("calendar", "pk")[:5_000]:
            users = used.setdefault(calendar, [])
            if len(users) < MAX_NAMED:
                users.append(str(pk))
        return {"used": used}

    def shown(self, calendar: ExclusionCalendar) -> Any:
        context = {"caller": self.caller, **self.used([calendar])}
        return CalendarOut(calendar, context=context).data


def checked(change: Any, **arguments: Any) -> ExclusionCalendar:
    try:
        calendar: ExclusionCalendar = change(**arguments)
    except CalendarInvalid as error:
        raise ValidationError(error.errors) from error
    return calendar


class CalendarListView(CalendarBase):
    """Exclusion calendars, by name."""

    permissions = {
        "GET": "deployments.view_exclusioncalendar",
        "POST": "deployments.add_exclusioncalendar",
    }
    pagination_class = Pages

    @extend_schema(operation_id="calendars_list", responses={200: CalendarOut(many=True)})
    def get(self, request: Request) -> Response:
        rows = ExclusionCalendar.objects.for_caller(self.caller).order_by("name")
        return answer_page(self, Pages(), rows, CalendarOut, more=self.used)

    @extend_schema(
        operation_id="calendars_create", request=CalendarIn, responses={201: CalendarOut}
    )
    def post(self, request: Request) -> Response:
        calendar = checked(create_calendar, **self.body(CalendarIn))
        headers = {"Location": f"/api/calendars/{calendar.pk}"}
        return Response(self.shown(calendar), status.HTTP_201_CREATED, headers=headers)


class CalendarDetailView(CalendarBase):
    """One exclusion calendar: read, replace, delete."""

    permissions = {
        "GET": "deployments.view_exclusioncalendar",
        "PUT": "deployments.change_exclusioncalendar",
        "DELETE": "deployments.delete_exclusioncalendar",
    }

    @extend_schema(operation_id="calendars_read", responses={200: CalendarOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.shown(self.calendar(pk)))

    @extend_schema(
        operation_id="calendars_replace", request=CalendarIn, responses={200: CalendarOut}
    )
    def put(self, request: Request, pk: str) -> Response:
        """Schedules that use it first serve what was due by its old days."""
        calendar = self.calendar(pk)
        changed = checked(change_calendar, calendar=calendar, **self.body(CalendarIn))
        return Response(self.shown(changed))

    @extend_schema(
        operation_id="calendars_delete",
        parameters=[
            OpenApiParameter(
                "confirm", type=bool, description="Also if schedules use it: they run on its days."
            )
        ],
        responses={204: None},
    )
    def delete(self, request: Request, pk: str) -> Response:
        """409 while schedules use it, unless `confirm=true`."""
        confirmed = request.query_params.get("confirm", "").lower() == "true"
        delete_calendar(calendar=self.calendar(pk), confirmed=confirmed)
        return Response(status=status.HTTP_204_NO_CONTENT)
