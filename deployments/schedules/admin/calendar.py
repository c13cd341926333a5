"""The admin of exclusion calendars."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from deployments.errors import CalendarInvalid
from deployments.models import ExclusionCalendar, Schedule
from deployments.schedules.calendars import (
    change_calendar,
    create_calendar,
    delete_calendar,
    entries_of_text,
    text_of_entries,
)
from designs.admin.base import OrchestraAdmin, become
from designs.admin.refusals import ServiceForm
from designs.admin.shown import EMPTY, row_link, sentences

SHOWN_USERS = 50


class CalendarForm(ServiceForm):
    entries = forms.CharField(
        label="Days",
        required=False,
        max_length=200_000,
        widget=UnfoldAdminTextareaWidget,
        help_text="One date or range a line: 2026-12-24 to 2026-12-26 Christmas.",
    )

    class Meta:
        model = ExclusionCalendar
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["entries"] = text_of_entries(self.instance.entries)


@admin.register(ExclusionCalendar)
class ExclusionCalendarAdmin(OrchestraAdmin):
    form = CalendarForm
    list_display = ("name", "days", "updated_at")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "entries", "days", "used_by", "created_at", "updated_at")
    readonly_fields = ("days", "used_by", "created_at", "updated_at")
    refusals = {**OrchestraAdmin.refusals, CalendarInvalid: ""}

    @display(description="Days left out")
    def days(self, calendar: ExclusionCalendar) -> str:
        if isinstance(calendar.entries, str):
            # A form that was refused has put its text there.
            stored = ExclusionCalendar.objects.filter(pk=calendar.pk).first()
            return f"{stored.exclusions.days:,}" if stored else EMPTY
        return f"{calendar.exclusions.days:,}"

    @display(description="Used by")
    def used_by(self, calendar: ExclusionCalendar) -> str:
        rows = Schedule.objects.filter(calendar=calendar.pk).select_related("beat_task")
        return sentences(row_link(row) for row in rows[:SHOWN_USERS]) or EMPTY

    def store(self, request: Any, obj: Any, form: CalendarForm, change: bool) -> None:
        fields = {
            "name": form.cleaned_data["name"],
            "entries": entries_of_text(form.cleaned_data["entries"]),
        }
        if change:
            become(obj, change_calendar(calendar=obj, **fields))
        else:
            become(obj, create_calendar(**fields))

    def reasons_to_keep(self, row: Any) -> list[str]:
        return []

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_calendar(calendar=obj, confirmed=True)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for row in queryset:
            delete_calendar(calendar=row, confirmed=True)
