"""Forms of deployments: offer a design, change what is offered, run it."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError

from deployments.forms.fields import form_field
from deployments.forms.schedules import ScheduleForm
from deployments.models import (
    ENDPOINT_PATH_RULE,
    LIMIT_GROUPS,
    LIMITS,
    Deployment,
)
from designs.access import Caller
from designs.models import Design

SHOWN_VERSIONS = 200
MAX_LABEL = 100


class DeployForm(ScheduleForm):
    design = forms.ModelChoiceField(
        queryset=Design.objects.none(), empty_label="Choose a design", label="Design"
    )
    endpoint_path = forms.CharField(
        label="Endpoint path",
        max_length=200,
        help_text=ENDPOINT_PATH_RULE,
        widget=forms.TextInput(attrs={"placeholder": "/support/triage", "autocomplete": "off"}),
    )
    version = forms.TypedChoiceField(
        label="Version",
        coerce=int,
        empty_value=None,
        required=False,
        error_messages={"invalid_choice": "This design has no such version. Choose one."},
    )
    field_order = ("design", "version", "endpoint_path")

    def __init__(self, *args: Any, caller: Caller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Design.objects.for_caller(caller).only("name")
        field = cast("forms.ModelChoiceField[Design]", self.fields["design"])
        field.queryset = rows
        raw = self.data.get("design") if self.is_bound else self.initial.get("design")
        try:
            self.chosen = field.clean(raw)
        except ValidationError:
            # None yet, or one that the form refuses.
            self.chosen = None
        choices = [("", "The latest"), *_versions(self.chosen)]
        if self.chosen is not None and len(choices) == 1:
            choices = [("", "The draft, published as v1")]
        cast(forms.TypedChoiceField, self.fields["version"]).choices = choices

    def offered_version(self, text: str) -> int | None:
        """The number if it can be chosen; None is the latest."""
        choices = cast("list[tuple[str, str]]", self.fields["version"].choices)  # type: ignore[attr-defined]
        return next((int(name) for name, _ in choices if name and name == text), None)


def _versions(design: Design | None) -> list[tuple[str, str]]:
    """The latest are enough to choose from here; the API takes every number."""
    if design is None:
        return []
    rows = design.versions.order_by("-number").values_list("number", "note")[:SHOWN_VERSIONS]
    return [(str(n), f"v{n} – {note}"[:MAX_LABEL] if note else f"v{n}") for n, note in rows]


class ConfigureForm(ScheduleForm):
    endpoint_path = forms.CharField(
        label="Endpoint path", max_length=200, help_text=ENDPOINT_PATH_RULE
    )
    version = forms.TypedChoiceField(label="Version", coerce=int)
    status = forms.ChoiceField(
        label="Status",
        choices=[choice for choice in Deployment.Status.choices if choice[0] != "error"],
        help_text="While inactive, calls are rejected and scheduled runs are skipped.",
    )

    def __init__(self, *args: Any, versions: list[int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update({name: form_field(Deployment, name) for name in LIMITS})
        choices = [(number, f"v{number}") for number in versions]
        if self.initial.get("status") == Deployment.Status.ERROR:
            # It stays unless another is chosen.
            status = cast(forms.ChoiceField, self.fields["status"])
            others = cast(list[Any], status.choices)
            status.choices = [(Deployment.Status.ERROR, "Error (as it is)"), *others]
        for name in self.OWN:
            # The form carries its initial values, so that changes are known.
            self.fields[name].show_hidden_initial = True
        cast(forms.TypedChoiceField, self.fields["version"]).choices = choices

    OWN = ("endpoint_path", "version", "status", *LIMITS)

    @property
    def limits(self) -> dict[str, list[forms.BoundField]]:
        return {title: [self[name] for name in names] for title, names in LIMIT_GROUPS.items()}

    def changes(self) -> dict[str, Any]:
        """Only fields that were changed in the form, as `change_deployment` takes them: the others
        may have been changed by someone else.
        """
        return {name: self.cleaned_data[name] for name in self.OWN if name in self.changed_data}
