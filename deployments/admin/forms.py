"""Forms of the admin of deployments and keys."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from deployments.forms.fields import check_groups
from deployments.models import (
    CALL_LIMITS,
    ENDPOINT_PATH_RULE,
    LIMITS,
    ApiKey,
    Deployment,
)
from designs.access import SCOPES
from designs.admin.fields import JsonObjectField
from designs.admin.refusals import ServiceForm
from designs.input_forms import GroupsField

HOUR = 3_600
SCOPE_WORDS = {
    "execute": "Execute: call deployments and read the answers",
    "read": "Read: see deployments and the history",
    "manage": "Manage: change what its owner may change",
    "approve": "Approve: decide requests in its owner's name",
}


class DeploymentForm(ServiceForm):
    version_number = forms.IntegerField(
        min_value=1,
        max_value=2_147_483_647,
        required=False,
        label="Version",
        help_text="Empty: the latest one. A design that was never published is published by this.",
        widget=UnfoldAdminIntegerFieldWidget,
    )
    groups = GroupsField(
        queryset=Group.objects.all(),
        required=False,
        label="Limited to groups",
        help_text="Only people in these groups see and call it. None: all who may see deployments.",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Deployment
        fields = ("design", "endpoint_path", "status", "callback_url", *LIMITS, "groups")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "status" in self.fields:
            choices = Deployment.Status.choices
            offered = [c for c in choices if c[0] in ("active", "inactive", self.instance.status)]
            cast(forms.ChoiceField, self.fields["status"]).choices = offered
        if self.instance._state.adding:
            return
        versions = self.instance.design.versions.order_by("-number")
        choices = [
            (number, f"v{number} – {note}" if note else f"v{number}")
            for number, note in versions.values_list("number", "note")
        ]
        self.fields["version_number"] = forms.TypedChoiceField(
            choices=choices, coerce=int, label="Version", widget=UnfoldAdminSelectWidget
        )
        self.initial.setdefault("version_number", self.instance.version.number)
        for field in self.fields.values():
            field.show_hidden_initial = True

    def clean_groups(self) -> Any:
        groups = self.cleaned_data["groups"]
        check_groups(groups, self.caller)
        return groups

    def fields_to_write(self) -> dict[str, Any]:
        names = ("endpoint_path", "status", "callback_url", *LIMITS, "groups")
        values = {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}
        values["version"] = self.cleaned_data.get("version_number")
        if self.instance._state.adding:
            return values
        # Someone else may have changed the untouched fields meanwhile.
        touched = {"version" if n == "version_number" else n for n in self.changed_data}
        return {name: value for name, value in values.items() if name in touched}


class ExecuteForm(forms.Form):
    input_data = JsonObjectField(label="Input (JSON)", required=False)


class CloneForm(forms.Form):
    endpoint_path = forms.CharField(
        max_length=200, help_text=ENDPOINT_PATH_RULE, widget=UnfoldAdminTextInputWidget
    )


class OverlapForm(forms.Form):
    overlap_seconds = forms.TypedChoiceField(
        choices=[
            (0, "No longer"),
            (HOUR, "One hour"),
            (24 * HOUR, "A day"),
            (168 * HOUR, "7 days"),
        ],
        coerce=int,
        initial=0,
        label="The old one works for",
        widget=UnfoldAdminSelectWidget,
    )


class KeyForm(ServiceForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, SCOPE_WORDS[scope]) for scope in SCOPES],
        initial=["execute", "read"],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="A key never does more than its owner may do.",
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "deployments", "expires_at", *CALL_LIMITS)
        help_texts = {
            "name": "What this key is for.",
            "deployments": "The key works for these only. None: for all that its owner sees.",
            "expires_at": "From then on the key is refused. Empty: it does not expire.",
        }

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise ValidationError("This time has passed. Choose a later one, or none.")
        return at
