"""Forms of deployments' pages. They read and show; what may be is decided by the services."""

from __future__ import annotations

import json
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from deployments.models import (
    ENDPOINT_PATH_RULE,
    LEAST_MEMORY_MB,
    MOST_AT_ONCE,
    MOST_BYTES,
    MOST_MEMORY_MB,
    Deployment,
    Schedule,
)
from designs.access import Caller
from designs.models import Design
from designs.strict_json import JsonUnreadable, read_strict_json

UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
LARGEST_INTERVAL = 1_000_000


class JsonField(forms.CharField):
    """A JSON object typed as text, read by the same rules as a body of the API."""

    widget = forms.Textarea(attrs={"class": "json", "spellcheck": "false", "autocomplete": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=1_000_000, required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text.strip():
            return {}
        try:
            found = read_strict_json(text)
        except JsonUnreadable as error:
            raise ValidationError(str(error)) from error
        if not isinstance(found, dict):
            raise ValidationError('Write a JSON object, as in {"text": "…"}.')
        return found

    def validate(self, value: Any) -> None:
        """An empty object is an input, too."""

    def run_validators(self, value: Any) -> None:
        """The length was judged before it was read."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps({} if value is None else value, ensure_ascii=False, indent=2)


class ScheduleForm(forms.Form):
    """The deployment's first schedule; `fields_of_schedule` gives it as the API would."""

    kind = forms.ChoiceField(
        label="Schedule",
        choices=(
            ("none", "No schedule: runs when called"),
            ("cron", "At times of the clock (cron)"),
            ("interval", "Every so often"),
        ),
    )
    cron_expression = forms.CharField(
        label="Cron expression",
        required=False,
        max_length=200,
        help_text="Minute, hour, day of month, month, day of week: `0 9 * * 1-5` is weekdays at 9.",
    )
    every = forms.IntegerField(
        label="Every", required=False, min_value=1, max_value=LARGEST_INTERVAL
    )
    unit = forms.ChoiceField(
        label="Unit", required=False, choices=[(name, name) for name in UNITS], initial="minutes"
    )
    timezone = forms.CharField(
        label="Time zone",
        required=False,
        max_length=64,
        initial="UTC",
        help_text="The clock that cron means, as in Europe/Berlin.",
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
    )
    enabled = forms.BooleanField(label="Enabled", required=False, initial=True)
    overlap = forms.ChoiceField(
        label="When the last run still goes on", choices=Schedule.Overlap.choices, required=False
    )
    misfire = forms.ChoiceField(
        label="When runs were missed", choices=Schedule.Misfire.choices, required=False
    )
    schedule_input = JsonField(label="Input of scheduled runs (JSON)")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        kind = data.get("kind")
        if kind == "cron" and not data.get("cron_expression"):
            self.add_error("cron_expression", "Write a cron expression, or choose no schedule.")
        if kind == "interval" and not data.get("every") and "every" not in self.errors:
            self.add_error("every", "Say how often: a whole number.")
        return data

    def fields_of_schedule(self) -> dict[str, Any] | None:
        """As `deployments.schedules.store` takes it; None for no schedule."""
        data = self.cleaned_data
        if data["kind"] == "none":
            return None
        fields: dict[str, Any] = {
            "enabled": data["enabled"],
            "overlap": data["overlap"] or None,
            "misfire": data["misfire"] or None,
            "input_data": data["schedule_input"],
            "timezone": data["timezone"] or "UTC",
        }
        if data["kind"] == "cron":
            return {**fields, "cron_expression": data["cron_expression"]}
        seconds = data["every"] * UNITS[data["unit"] or "minutes"]
        return {**fields, "interval_seconds": seconds}

    @staticmethod
    def initial_of(schedule: dict[str, Any] | None) -> dict[str, Any]:
        """What the form shows of a schedule as `store.describe` gives it."""
        if schedule is None:
            return {"kind": "none"}
        shown = {
            "kind": "cron",
            "cron_expression": schedule["cron_expression"],
            "timezone": schedule["timezone"],
            "enabled": schedule["enabled"],
            "overlap": schedule["overlap"],
            "misfire": schedule["misfire"],
            "schedule_input": schedule["input_data"],
        }
        seconds = schedule["interval_seconds"]
        if seconds is None:
            return shown
        unit = next(name for name, size in reversed(UNITS.items()) if seconds % size == 0)
        return {**shown, "kind": "interval", "every": seconds // UNITS[unit], "unit": unit}


# What a service calls a schedule's field → what this form calls it.
SCHEDULE_FIELDS = {"interval_seconds": "every", "input_data": "schedule_input"}


class DeployForm(ScheduleForm):
    """Offer a design under a path."""

    design = forms.ModelChoiceField(
        queryset=Design.objects.none(), empty_label="Choose a design", label="Design"
    )
    endpoint_path = forms.CharField(
        label="Endpoint path",
        max_length=200,
        help_text=ENDPOINT_PATH_RULE,
        widget=forms.TextInput(attrs={"placeholder": "/support/triage", "autocomplete": "off"}),
    )
    field_order = ("design", "endpoint_path")

    def __init__(self, *args: Any, caller: Caller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Design.objects.for_caller(caller).only("name")
        cast("forms.ModelChoiceField[Design]", self.fields["design"]).queryset = rows


class ConfigureForm(ScheduleForm):
    """Change a deployment: version, status, limits, schedule."""

    endpoint_path = forms.CharField(
        label="Endpoint path", max_length=200, help_text=ENDPOINT_PATH_RULE
    )
    version = forms.TypedChoiceField(label="Version", coerce=int)
    status = forms.ChoiceField(
        label="Status",
        choices=[choice for choice in Deployment.Status.choices if choice[0] != "error"],
        help_text="An inactive deployment refuses calls, and its schedule skips.",
    )
    timeout_seconds = forms.IntegerField(
        label="Time limit of a run (seconds)", min_value=1, max_value=86_400
    )
    wait_seconds = forms.IntegerField(
        label="A call waits for (seconds)",
        min_value=0,
        max_value=600,
        help_text="A call that takes longer is answered with 202 and goes on.",
    )
    max_model_calls = forms.IntegerField(
        label="Model calls of a run, at most", required=False, min_value=0, max_value=1_000_000
    )
    max_tokens = forms.IntegerField(
        label="Tokens of a run, at most", required=False, min_value=0, max_value=2_000_000_000
    )
    max_cost_usd = forms.DecimalField(
        label="Cost of a run, at most (US dollars)",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=4,
    )

    max_input_bytes = forms.IntegerField(
        label="Bytes of an input, at most", required=False, min_value=1, max_value=MOST_BYTES
    )
    max_output_bytes = forms.IntegerField(
        label="Bytes of a result, at most", required=False, min_value=1, max_value=MOST_BYTES
    )
    max_concurrent = forms.IntegerField(
        label="Runs at once, at most",
        required=False,
        min_value=1,
        max_value=MOST_AT_ONCE,
        help_text="Beyond it, a call that waits is refused; others wait in line.",
    )
    max_memory_mb = forms.IntegerField(
        label="Memory of a run, at most (MB)",
        required=False,
        min_value=LEAST_MEMORY_MB,
        max_value=MOST_MEMORY_MB,
        help_text="With it each run has a process of its own.",
    )

    def __init__(self, *args: Any, versions: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(number, f"v{number}") for number in versions]
        cast(forms.TypedChoiceField, self.fields["version"]).choices = choices

    OWN = (
        "endpoint_path", "version", "status", "timeout_seconds", "wait_seconds",
        "max_model_calls", "max_tokens", "max_cost_usd", "max_input_bytes", "max_output_bytes",
        "max_concurrent", "max_memory_mb",
    )  # fmt: skip

    def changes(self) -> dict[str, Any]:
        """As `change_deployment` takes them."""
        return {name: self.cleaned_data[name] for name in self.OWN}


class ExecuteForm(forms.Form):
    """The input of one run."""

    input_data = JsonField(label="Input (JSON)")


def zones() -> list[str]:
    """Names of time zones to choose from."""
    return sorted(name for name in available_timezones() if "/" in name or name == "UTC")
