"""The admin of schedules: rule, policies, input and next runs."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from deployments.errors import ScheduleInvalid
from deployments.models import Schedule
from deployments.models.schedule import OPTIONS
from deployments.occurrences import MAX_EVERY_SECONDS, zone_choices
from deployments.schedules.fields import RULE_FIELDS
from deployments.schedules.scheduling import (
    add_schedule,
    change_schedule,
    remove_schedule,
    switch_schedule,
)
from deployments.schedules.store import describe, preview_schedule
from designs.admin.base import OrchestraAdmin, ReadOnlyInline, become
from designs.admin.fields import JsonObjectField
from designs.admin.filters import VisibleFilter
from designs.admin.refusals import ServiceForm
from designs.admin.shown import EMPTY, admin_url, badge, json_block, link, row_link, sentences
from designs.admin.verbs import bulk_verb
from designs.requests import PageRequest

RULE = ("enabled", *RULE_FIELDS)
BEAT_ROWS = ("beat_task__crontab", "beat_task__interval", "calendar")
PAYLOAD = "executor.view_payload"


def zones() -> list[tuple[str, str]]:
    return [(name, name) for name in zone_choices()]


class ScheduleForm(ServiceForm):
    enabled = forms.BooleanField(required=False, initial=True, widget=UnfoldBooleanSwitchWidget)
    cron_expression = forms.CharField(
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="Minute, hour, day of month, month, day of week: 0 9 * * 1-5 is weekdays at 9. "
        "Either this or an interval.",
    )
    interval_seconds = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_EVERY_SECONDS,
        label="Or an interval (s)",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    timezone = forms.ChoiceField(
        choices=zones, initial="UTC", help_text="Time zone of the cron expression.",
        widget=UnfoldAdminSelect2Widget,
    )  # fmt: skip
    start_at = forms.SplitDateTimeField(
        required=False,
        label="Not before",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="In UTC.",
    )
    end_at = forms.SplitDateTimeField(
        required=False,
        label="Not after",
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text="In UTC.",
    )
    one_off = forms.BooleanField(
        required=False,
        label="Once only",
        widget=UnfoldBooleanSwitchWidget,
        help_text="Runs once, then turns off.",
    )
    input_data = JsonObjectField(label="Input (JSON)", required=False)

    class Meta:
        model = Schedule
        fields = ("deployment", "calendar", *OPTIONS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            stored = describe(self.instance)
            for name in RULE:
                self.initial.setdefault(name, stored[name])
            self.initial.setdefault("input_data", self.instance.input_data)
            # The API also accepts zones that are not offered here.
            zone = (stored["timezone"], stored["timezone"])
            timezone = cast(forms.ChoiceField, self.fields["timezone"])
            timezone.choices = sorted({*zones(), zone})
        if not self.caller.may(PAYLOAD):
            del self.fields["input_data"]

    def schedule_fields(self) -> dict[str, Any]:
        """As `scheduling` takes them; an input that the caller may not see stays."""
        data = dict(self.cleaned_data)
        for name in ("start_at", "end_at"):
            # An unchanged time keeps the microseconds that the form does not show.
            if name not in self.changed_data:
                data[name] = self.initial.get(name)
        data.setdefault(
            "input_data", {} if self.instance._state.adding else self.instance.input_data
        )
        calendar = data.get("calendar")
        return {
            "calendar_id": None if calendar is None else calendar.pk,
            **{name: data[name] for name in (*RULE, *OPTIONS, "input_data")},
        }


class ScheduleColumns:
    @display(description="When")
    def words(self, schedule: Schedule) -> str:
        fields = describe(schedule)
        return fields["error"] or fields["words"]

    @display(description="State")
    def state(self, schedule: Schedule) -> str:
        fields = describe(schedule)
        if fields["error"]:
            return badge("Error", "danger")
        return badge("On", "success") if fields["enabled"] else badge("Off")

    @display(description="Next run", ordering="next_run_at")
    def next_run(self, schedule: Schedule) -> Any:
        return describe(schedule)["next_run_at"]


@admin.register(Schedule)
class ScheduleAdmin(ScheduleColumns, OrchestraAdmin):
    form = ScheduleForm
    list_display = (
        "deployment_link", "words", "state", "next_run", "overlap", "misfire", "updated_at",
    )  # fmt: skip
    list_display_links = ("words",)
    list_filter = (
        ("deployment", VisibleFilter),
        ("beat_task__enabled", BooleanRadioFilter),
        ("overlap", ChoicesCheckboxFilter),
        ("misfire", ChoicesCheckboxFilter),
    )
    list_select_related = ("deployment", *BEAT_ROWS)
    search_fields = ("deployment__endpoint_path", "beat_task__name")
    ordering = ("next_run_at", "created_at")
    autocomplete_fields = ("deployment",)
    fieldsets = (
        (None, {"fields": ("deployment_link", "words", "state", "error", *RULE)}),
        ("Policies and input", {"fields": ("calendar", *OPTIONS, "input_data")}),
        ("What comes next", {"fields": ("upcoming",), "classes": ("tab",)}),
        ("Made", {"fields": ("beat_row", "created_at", "updated_at"), "classes": ("tab",)}),
    )
    add_fieldsets = (
        (None, {"fields": ("deployment", *RULE)}),
        ("Policies and input", {"fields": ("calendar", *OPTIONS, "input_data")}),
    )
    readonly_fields = (
        "deployment_link", "words", "state", "error", "upcoming", "beat_row", "created_at",
        "updated_at",
    )  # fmt: skip
    actions = (
        bulk_verb("enable", "Switch on", "change", "{count} switched on.",
                  lambda row, _: switch_schedule(schedule=row, enabled=True)),
        bulk_verb("disable", "Switch off", "change", "{count} switched off.",
                  lambda row, _: switch_schedule(schedule=row, enabled=False)),
    )  # fmt: skip
    actions_detail = ("occurrences",)
    refusals = {**OrchestraAdmin.refusals, ScheduleInvalid: ""}

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related("deployment", *BEAT_ROWS)

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        return rows.present() if db_field.name == "deployment" else rows

    def get_fieldsets(self, request: PageRequest, obj: Any = None) -> Any:
        hidden = () if request.caller.may(PAYLOAD) else ("input_data",)
        return [
            (name, {**options, "fields": [f for f in options["fields"] if f not in hidden]})
            for name, options in super().get_fieldsets(request, obj)
        ]

    # --- Columns; those named like fields of the form are for people without the right to change it

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, schedule: Schedule) -> str:
        return row_link(schedule.deployment)

    @display(description="Celery beat task")
    def beat_row(self, schedule: Schedule) -> str:
        return link(admin_url(schedule.beat_task), schedule.beat_task.name)

    @display(description="Next runs")
    def upcoming(self, schedule: Schedule) -> str:
        return sentences(
            f"{run.local:%A, %d %B %Y, %H:%M:%S} {run.offset} {run.remark}".rstrip()
            for run in preview_schedule(schedule)
        )

    @display(boolean=True)
    def enabled(self, schedule: Schedule) -> bool:
        return bool(schedule.beat_task.enabled)

    def cron_expression(self, schedule: Schedule) -> str:
        return describe(schedule)["cron_expression"] or EMPTY

    def interval_seconds(self, schedule: Schedule) -> Any:
        return describe(schedule)["interval_seconds"]

    def timezone(self, schedule: Schedule) -> str:
        return str(describe(schedule)["timezone"])

    @display(description="Not before")
    def start_at(self, schedule: Schedule) -> Any:
        return schedule.beat_task.start_time

    @display(description="Not after")
    def end_at(self, schedule: Schedule) -> Any:
        return schedule.beat_task.expires

    @display(boolean=True, description="Once only")
    def one_off(self, schedule: Schedule) -> bool:
        return bool(schedule.beat_task.one_off)

    def input_data(self, schedule: Schedule) -> str:
        return json_block(schedule.input_data)

    # --- Writing ----------------------------------------------------------------------------------

    def store(self, request: Any, obj: Schedule, form: ScheduleForm, change: bool) -> None:
        fields = form.schedule_fields()
        if change:
            change_schedule(schedule=obj, fields=fields)
        else:
            deployment = form.cleaned_data["deployment"]
            become(obj, add_schedule(deployment=deployment, fields=fields))

    def reasons_to_keep(self, row: Any) -> list[str]:
        return []

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        remove_schedule(schedule=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for schedule in queryset:
            remove_schedule(schedule=schedule)

    @action(
        description="Past occurrences", url_path="occurrences", permissions=["view"], icon="history"
    )
    def occurrences(self, request: PageRequest, object_id: str) -> HttpResponse:
        schedule = self.row(request, object_id)
        url = reverse("admin:deployments_occurrence_changelist")
        return HttpResponseRedirect(f"{url}?schedule__id__exact={schedule.pk}")


class ScheduleInline(ScheduleColumns, ReadOnlyInline):
    model = Schedule
    fields = ("when", "state", "next_run", "overlap", "misfire")
    verbose_name_plural = "Schedules"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related(*BEAT_ROWS)

    @display(description="When")
    def when(self, schedule: Schedule) -> str:
        return row_link(schedule, self.words(schedule))
