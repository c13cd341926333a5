"""Forms of deployments: offer a design, change what is offered, run it."""

from __future__ import annotations

from typing import Any, cast

from django import forms

from deployments.forms.fields import JsonField
from deployments.forms.schedules import ScheduleForm
from deployments.models import (
    ENDPOINT_PATH_RULE,
    MAX_AT_ONCE,
    MAX_BYTES,
    MAX_MEMORY_MB,
    MIN_MEMORY_MB,
    Deployment,
)
from designs.access import Caller
from designs.models import Design


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
        label="Cost of a run, at most (USD)",
        required=False,
        min_value=0,
        max_digits=10,
        decimal_places=4,
    )

    max_input_bytes = forms.IntegerField(
        label="Bytes of an input, at most", required=False, min_value=1, max_value=MAX_BYTES
    )
    max_output_bytes = forms.IntegerField(
        label="Bytes of a result, at most", required=False, min_value=1, max_value=MAX_BYTES
    )
    max_concurrent = forms.IntegerField(
        label="Runs at once, at most",
        required=False,
        min_value=1,
        max_value=MAX_AT_ONCE,
        help_text="Beyond it, a call that waits is refused; others wait in line.",
    )
    max_memory_mb = forms.IntegerField(
        label="Memory of a run, at most (MB)",
        required=False,
        min_value=MIN_MEMORY_MB,
        max_value=MAX_MEMORY_MB,
        help_text="With it each run has a process of its own.",
    )

    def __init__(self, *args: Any, versions: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(number, f"v{number}") for number in versions]
        if self.initial.get("status") == Deployment.Status.ERROR:
            # It stays unless another is chosen.
            status = cast(forms.ChoiceField, self.fields["status"])
            others = cast(list[Any], status.choices)
            status.choices = [(Deployment.Status.ERROR, "Error (as it is)"), *others]
        for name in self.OWN:
            # What the person saw goes with the form, so that it is known what they changed.
            self.fields[name].show_hidden_initial = True
        cast(forms.TypedChoiceField, self.fields["version"]).choices = choices

    OWN = (
        "endpoint_path", "version", "status", "timeout_seconds", "wait_seconds",
        "max_model_calls", "max_tokens", "max_cost_usd", "max_input_bytes", "max_output_bytes",
        "max_concurrent", "max_memory_mb",
    )  # fmt: skip

    def changes(self) -> dict[str, Any]:
        """What the person changed, as `change_deployment` takes it: the rest may have been changed
        by somebody else since.
        """
        return {name: self.cleaned_data[name] for name in self.OWN if name in self.changed_data}


class ExecuteForm(forms.Form):
    """The input of one run."""

    input_data = JsonField(label="Input (JSON)")
