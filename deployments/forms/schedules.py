"""Forms of schedules and of back-fills."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.forms.utils import ErrorDict
from django.utils import timezone

from deployments.forms.fields import LocalTimeField, form_field
from deployments.models import ExclusionCalendar, Schedule
from deployments.models.schedule import OPTION_GROUPS, OPTIONS
from deployments.occurrences import MAX_EVERY_SECONDS, zone_of, zones_like
from designs.input_forms import InputForm

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
KINDS = (
    ("none", "None: runs when called"),
    ("cron", "Cron"),
    ("interval", "At an interval"),
    ("once", "Once"),
)
# Of a list to choose from.
MAX_CALENDARS = 500
# Cron expressions that are asked for often.
PRESETS = (
    ("*/15 * * * *", "Every 15 minutes"),
    ("0 * * * *", "Every hour"),
    ("0 9 * * *", "Daily at 9:00"),
    ("0 9 * * 1-5", "Weekdays at 9:00"),
    ("0 9 * * 1", "Mondays at 9:00"),
    ("0 9 1 * *", "First of the month"),
)
# What the fields of the input begin with.
INPUT = "schedule_input"
# A service's name of a field → this form's name.
SCHEDULE_FIELDS = {"interval_seconds": "every"}


def _calendars() -> list[tuple[str, str]]:
    rows = ExclusionCalendar.objects.values_list("pk", "name")[:MAX_CALENDARS]
    return [("", "None: run on every day"), *((str(pk), name) for pk, name in rows)]


class ScheduleForm(forms.Form):
    """One schedule; `fields_of_schedule` gives it as the API would."""

    kind = forms.ChoiceField(label="Schedule", choices=KINDS)
    cron_expression = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=200,
        help_text="Minute, hour, day of month, month, day of week: 0 9 * * 1-5 is weekdays at 9.",
    )
    every = forms.IntegerField(
        label="Every", required=False, min_value=1, max_value=MAX_EVERY_SECONDS
    )
    unit = forms.ChoiceField(
        label="Unit",
        choices=[(name, name) for name in UNITS],
        required=False,
        initial="minutes",
    )
    once_at = LocalTimeField(label="At", required=False)
    timezone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        initial="UTC",
        help_text="Type a city, for example Berlin.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    start_at = LocalTimeField(
        label="Starts", required=False, help_text="An interval is counted from it."
    )
    end_at = LocalTimeField(label="Ends", required=False)
    one_off = forms.BooleanField(label="Run once, then turn off", required=False)
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True)
    calendar_id = forms.ChoiceField(
        label="Exclusion calendar",
        required=False,
        choices=_calendars,
        help_text="No runs on its days, by the clock of the time zone.",
    )
    # What its runs get; None for who may not see it. The view sets it: which fields it has depends
    # on the deployed version.
    input: InputForm | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # One that is left empty gets its default.
        options = {name: form_field(Schedule, name, required=False) for name in OPTIONS}
        self.fields.update(options)

    presets = PRESETS

    def take_input(self, schema: object, example: dict[str, Any] | None = None) -> None:
        """Have the fields of its runs' input, made from the version's schema."""
        if self.is_bound:
            self.input = InputForm.posted(schema, self.data, prefix=INPUT, example=example)
        else:
            value = self.initial.get(INPUT)
            self.input = InputForm(schema, value, prefix=INPUT, example=example)

    @property
    def is_asking(self) -> bool:
        """A button of the input was pressed: the form is shown again, and nothing is done."""
        return self.input is not None and self.input.is_asking

    def is_valid(self) -> bool:
        if self.is_asking:
            # Nothing is judged yet.
            self._errors = ErrorDict()
            return False
        if not super().is_valid():
            return False
        # What is hidden does not count.
        if self.input is None or self.cleaned_data["kind"] == "none":
            return True
        return self.input.is_readable

    @property
    def options(self) -> dict[str, list[forms.BoundField]]:
        return {group: [self[name] for name in names] for group, names in OPTION_GROUPS.items()}

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind == "cron" and not data.get("cron_expression"):
            self.add_error("cron_expression", "Write a cron expression, or choose no schedule.")
        if kind == "interval" and not data.get("every") and "every" not in self.errors:
            self.add_error("every", "Say how often: a whole number.")
        if "timezone" in self.errors:
            return data
        if kind == "once" and "once_at" not in self.errors:
            at = data.get("once_at")
            if at is None:
                self.add_error("once_at", "Say when: a date and a time.")
            elif self._aware(at) <= timezone.now():
                self.add_error("once_at", "This time has passed. Choose a later one.")
        return data

    def clean_timezone(self) -> str:
        text = (self.cleaned_data["timezone"] or "UTC").strip()
        if (zone := zone_of(text)) is not None:
            return zone
        like = zones_like(text)
        hint = f"Did you mean {' or '.join(like)}?" if like else "Choose one, as Europe/Berlin."
        raise ValidationError(f"There is no time zone “{text}”. {hint}")

    def _aware(self, at: datetime) -> datetime:
        zone = ZoneInfo(self.cleaned_data.get("timezone") or "UTC")
        return at.replace(tzinfo=zone).astimezone(UTC)

    def _bound(self, name: str) -> datetime | None:
        """An untouched time stays as stored, with its microseconds and its `fold`."""
        at = self.cleaned_data[name] if name in self.changed_data else self.initial.get(name)
        return None if at is None else self._aware(at)

    def fields_of_schedule(self) -> dict[str, Any] | None:
        """As the services take it; None for no schedule."""
        data = self.cleaned_data
        if data["kind"] == "none":
            return None
        fields: dict[str, Any] = {
            "enabled": data["enabled"],
            "timezone": data["timezone"] or "UTC",
            "calendar_id": data["calendar_id"] or None,
            **{name: None if data[name] == "" else data[name] for name in OPTIONS},
            **self._when(),
        }
        if self.input is not None:
            fields["input_data"] = self.input.value
        return fields

    def _when(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data["kind"] == "once":
            at: datetime = data["once_at"]
            # From that day on: which year it is cron cannot say.
            day = self._aware(datetime.combine(at.date(), time.min))
            cron = f"{at.minute} {at.hour} {at.day} {at.month} *"
            return {"cron_expression": cron, "one_off": True, "start_at": day}
        rest: dict[str, Any] = {name: self._bound(name) for name in ("start_at", "end_at")}
        rest["one_off"] = data["one_off"]
        if data["kind"] == "cron":
            return {**rest, "cron_expression": data["cron_expression"]}
        return {**rest, "interval_seconds": data["every"] * UNITS[data["unit"] or "minutes"]}

    @staticmethod
    def initial_of(schedule: dict[str, Any] | None) -> dict[str, Any]:
        """The form's initial values for a schedule as `store.describe` returns it."""
        if schedule is None:
            return {"kind": "none"}
        zone = ZoneInfo(schedule["timezone"])
        initial = {
            "timezone": schedule["timezone"],
            "enabled": schedule["enabled"],
            "calendar_id": schedule["calendar_id"],
            INPUT: schedule["input_data"],
            **{name: schedule[name] for name in OPTIONS},
        }
        once_at = _once_at(schedule, zone)
        if once_at is not None:
            return {**initial, "kind": "once", "once_at": once_at}
        initial["one_off"] = schedule["one_off"]
        for name in ("start_at", "end_at"):
            at = schedule[name]
            # The naive time keeps its `fold`.
            initial[name] = None if at is None else at.astimezone(zone).replace(tzinfo=None)
        seconds = schedule["interval_seconds"]
        if seconds is None:
            return {**initial, "kind": "cron", "cron_expression": schedule["cron_expression"]}
        unit = next(name for name, size in reversed(UNITS.items()) if seconds % size == 0)
        return {**initial, "kind": "interval", "every": seconds // UNITS[unit], "unit": unit}


def _once_at(schedule: dict[str, Any], zone: ZoneInfo) -> datetime | None:
    """The local time of a schedule that was made with *Once*; None for all others."""
    *date_and_time, weekday = (schedule["cron_expression"] or "*").split()
    is_one_time = weekday == "*" and all(part.isdigit() for part in date_and_time)
    if not (schedule["one_off"] and schedule["start_at"] and is_one_time):
        return None
    minute, hour, day, month = map(int, date_and_time)
    start = schedule["start_at"].astimezone(zone)
    if (start.day, start.month) != (day, month) or start.time() != time.min:
        return None
    return datetime(start.year, month, day, hour, minute)  # noqa: DTZ001 - as the clock shows it


class BackfillForm(forms.Form):
    since = LocalTimeField(label="From")
    until = LocalTimeField(label="Until")
    with_excluded = forms.BooleanField(
        label="Also on days that the calendar leaves out", required=False
    )
    confirm = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(zone)

    def span(self) -> dict[str, Any]:
        times = {
            name: self.cleaned_data[name].replace(tzinfo=self.zone).astimezone(UTC)
            for name in ("since", "until")
        }
        return {**times, "with_excluded": self.cleaned_data["with_excluded"]}
