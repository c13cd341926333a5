"""The admin of django-celery-beat's own tables, within the caller's rights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from celery.schedules import ParseException
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin as BeatTaskAdmin
from django_celery_beat.admin import PeriodicTaskForm, TaskSelectWidget
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from kombu.exceptions import OperationalError
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from deployments.models import Deployment, Schedule
from deployments.occurrences import MAX_EVERY_SECONDS, known_zones
from deployments.schedules.rules import MAX_DAYS
from deployments.schedules.store import TASK, describe
from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnlyInline
from designs.admin.shown import EMPTY, badge, row_link
from designs.strict_json import JsonUnreadable, read_strict_json

NAMED = "Beat starts it only if ORCHESTRA_BEAT_TASKS names this task."
RULES = (CrontabSchedule, IntervalSchedule, SolarSchedule, ClockedSchedule)
RULE_FIELDS = ("crontab", "interval", "solar", "clocked")
# The fields of our own rows: beat's other options would be ignored there.
OWN_FIELDS = (
    "name", "enabled", "description", *RULE_FIELDS, "schedule_link", "start_time", "expires",
    "one_off",
)  # fmt: skip


def tasks_seen_by(caller: Caller) -> Any:
    """Beat's rows of the caller's schedules.

    Rows of other programs may send anything anywhere, so only superusers see them.
    """
    if caller.is_superuser:
        return PeriodicTask.objects.all()
    visible = Deployment.objects.for_caller(caller).values("pk")
    ours = Schedule.objects.filter(deployment__in=visible).values("beat_task")
    return PeriodicTask.objects.filter(pk__in=ours, task=TASK)


def is_trusted(request: Any) -> bool:
    """True for people who may let beat send tasks of other programs."""
    return bool(request.caller.is_superuser)


class TaskWidget(UnfoldAdminSelectWidget, TaskSelectWidget):
    """Beat's select of registered tasks, with Unfold's look."""


class TaskForm(PeriodicTaskForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "task" in self.fields:
            self.fields["task"].widget = UnfoldAdminTextInputWidget()
            self.fields["task"].help_text = NAMED
            self.fields["regtask"].widget = TaskWidget()

    def clean(self) -> Any:
        if self.instance.task == TASK:
            self.cleaned_data.update(task=TASK, regtask="")
        # Beat's own check reads the name of the task, which is missing if that had an error.
        self.cleaned_data.setdefault("task", "")
        return super().clean()

    def clean_args(self) -> str:
        return self._as_json("args", list)

    def clean_kwargs(self) -> str:
        return self._as_json("kwargs", dict)

    def _as_json(self, name: str, kind: type) -> str:
        text = str(self.cleaned_data[name])
        try:
            value = read_strict_json(text)
        except JsonUnreadable as error:
            raise ValidationError(str(error)) from error
        if not isinstance(value, kind):
            wanted = "a list, as in [1, 2]" if kind is list else 'an object, as in {"name": 1}'
            raise ValidationError(f"Write {wanted}.")
        return text


class IntervalForm(forms.ModelForm):
    """Bounds for intervals: very long ones overflow in beat's scheduler and stop it, and one of
    microseconds keeps it busy with nothing else.
    """

    def clean(self) -> Any:
        data = super().clean() or {}
        if "every" in data and "period" in data:
            try:
                span = timedelta(**{data["period"]: data["every"]})
            except OverflowError:
                span = timedelta.max
            if span < timedelta(seconds=1):
                self.add_error("every", "An interval is at least a second.")
            if span > timedelta(seconds=MAX_EVERY_SECONDS):
                self.add_error("every", f"An interval is at most {MAX_DAYS} days.")
        return data


class CrontabForm(forms.ModelForm):
    """Refuses unknown time zones before the field opens a file of the submitted name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields.get("timezone")
        if field is not None:
            field.coerce = partial(_zone, field.coerce)


def _zone(coerce: Callable[[Any], Any], value: Any) -> Any:
    if str(value) not in known_zones():
        raise ValidationError("This is not a time zone: choose one of the list.")
    return coerce(value)


admin.site.unregister([PeriodicTask, *RULES])


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(OrchestraAdmin, BeatTaskAdmin):
    form = TaskForm
    # Beat's template brings a script of its own, which the page's policy forbids.
    change_form_template = None
    list_display = ("name", "switched", "rule", "schedule_link", "start_time", "last_run_at")
    list_filter = (("enabled", BooleanRadioFilter), "task")
    list_select_related = (*RULE_FIELDS, "orchestra_schedule__deployment")
    date_hierarchy = None
    ordering = ("name",)
    readonly_fields = ("last_run_at", "schedule_link")
    fieldsets = (
        (None, {"fields": ("name", "regtask", "task", "enabled", "description")}),
        ("Rule", {"fields": (*RULE_FIELDS, "start_time", "one_off", "last_run_at")}),
        ("Arguments", {"fields": ("args", "kwargs"), "classes": ("tab",)}),
        (
            "Options",
            {
                "fields": (
                    "expires", "expire_seconds", "queue", "exchange", "routing_key", "priority",
                    "headers",
                ),
                "classes": ("tab",),
            },
        ),
    )  # fmt: skip

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.filter(pk__in=tasks_seen_by(caller).values("pk"))

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and obj.task == TASK:
            return ((None, {"fields": OWN_FIELDS}),)
        return super().get_fieldsets(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """Beat offers its actions to everyone who sees the list."""
        actions = super().get_actions(request) if self.has_change_permission(request) else {}
        if not is_trusted(request):
            actions.pop("run_tasks", None)
        return actions

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows added here belong to other programs: ours come with their schedules."""
        return is_trusted(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._is_in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and self._is_in_reach(request, obj)

    def _is_in_reach(self, request: HttpRequest, obj: Any) -> bool:
        return is_trusted(request) or not isinstance(obj, PeriodicTask) or obj.task == TASK

    def reasons_to_keep(self, row: Any) -> list[str]:
        if Schedule.objects.filter(beat_task=row).exists():
            return ["A schedule of a deployment belongs to it. Delete that schedule instead."]
        return super().reasons_to_keep(row)

    @admin.action(description="Run selected tasks")
    def run_tasks(self, request: HttpRequest, queryset: Any) -> None:
        try:
            super().run_tasks(request, queryset)
        except (OperationalError, TypeError, ValueError) as error:
            self.message_user(request, f"The tasks could not be sent: {error}", messages.ERROR)

    @display(description="Enabled", ordering="enabled")
    def switched(self, task: PeriodicTask) -> str:
        return badge("On", "success") if task.enabled else badge("Off")

    @display(description="Rule")
    def rule(self, task: PeriodicTask) -> str:
        return str(task.scheduler or EMPTY)

    @display(description="Schedule")
    def schedule_link(self, task: PeriodicTask) -> str:
        schedule = getattr(task, "orchestra_schedule", None)
        if schedule is None:
            return EMPTY
        fields = describe(schedule)
        return row_link(schedule, fields["error"] or fields["words"])


class TaskInline(ReadOnlyInline):
    model = PeriodicTask
    fields = ("task_link", "enabled", "last_run_at")
    verbose_name_plural = "Tasks that use this rule"
    tab = False

    def get_queryset(self, request: Any) -> Any:
        visible = tasks_seen_by(request.caller).values("pk")
        return super().get_queryset(request).filter(pk__in=visible)

    @display(description="Task")
    def task_link(self, task: PeriodicTask) -> str:
        return row_link(task, task.name)


class RuleAdmin(OrchestraAdmin):
    """Tasks may share a rule, so whoever changes it must see all of them."""

    inlines = (TaskInline,)
    warn_unsaved_form = False

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows

    def _users(self, row: Any) -> Any:
        return PeriodicTask.objects.filter(**{self.task_field: row})

    @property
    def task_field(self) -> str:
        return self.opts.model_name.removesuffix("schedule")

    def has_change_permission(self, request: Any, obj: Any = None) -> bool:
        if not super().has_change_permission(request, obj):
            return False
        if not isinstance(obj, RULES):
            return True
        visible = tasks_seen_by(request.caller).values("pk")
        return not self._users(obj).exclude(pk__in=visible).exists()

    def reasons_to_keep(self, row: Any) -> list[str]:
        if self._users(row).exists():
            return ["Tasks follow this rule. Give them another one first."]
        return []

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else ()


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(RuleAdmin):
    form = CrontabForm
    list_display = ("cron", "timezone", "in_words")
    fields = (
        "in_words", "minute", "hour", "day_of_month", "month_of_year", "day_of_week",
        "timezone",
    )  # fmt: skip
    readonly_fields = ("in_words",)
    search_fields = ("timezone",)

    @display(description="In words")
    def in_words(self, row: CrontabSchedule) -> str:
        try:
            return str(row.human_readable)
        except (ParseException, ValueError):
            return EMPTY

    @display(description="Cron")
    def cron(self, row: CrontabSchedule) -> str:
        return f"{row.minute} {row.hour} {row.day_of_month} {row.month_of_year} {row.day_of_week}"


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(RuleAdmin):
    form = IntervalForm
    list_display = ("__str__", "every", "period")
    list_filter = ("period",)
    fields = ("every", "period")


@admin.register(SolarSchedule)
class SolarScheduleAdmin(RuleAdmin):
    list_display = ("__str__", "event", "latitude", "longitude")
    list_filter = ("event",)


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(RuleAdmin):
    list_display = ("clocked_time",)
    date_hierarchy = "clocked_time"
