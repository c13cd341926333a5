"""Forms of the pages of keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from deployments.access.keys import MAX_OVERLAP_SECONDS
from deployments.forms.fields import form_field
from deployments.models import CALL_LIMITS, ApiKey, Deployment
from designs.access import SCOPES, Caller

SCOPE_WORDS = {
    "execute": "execute – start runs and read their answers",
    "read": "read – see what you may see",
    "manage": "manage – change what you may change",
    "approve": "approve – decide requests in your name",
}
OVERLAPS = (
    (0, "Revoke now"),
    (3_600, "Keep for 1 hour"),
    (86_400, "Keep for 1 day"),
    (MAX_OVERLAP_SECONDS, "Keep for 1 week"),
)


class KeyForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200, help_text="What this key is for.")
    scopes = forms.MultipleChoiceField(
        label="Scopes",
        choices=[(scope, SCOPE_WORDS[scope]) for scope in SCOPES],
        initial=["execute"],
        widget=forms.CheckboxSelectMultiple,
    )
    deployments = forms.ModelMultipleChoiceField(
        label="Deployments",
        queryset=Deployment.objects.none(),
        required=False,
        help_text="Limit the key to these deployments. None selected: all you can see.",
    )
    expires_at = forms.DateTimeField(
        label="Expires at (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        help_text="Empty: it does not expire.",
    )

    def __init__(self, *args: Any, caller: Caller, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update({name: form_field(ApiKey, name) for name in CALL_LIMITS})
        field = self.fields["deployments"]
        field.queryset = Deployment.objects.for_caller(caller).order_by("endpoint_path")  # type: ignore[attr-defined]

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in CALL_LIMITS]

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError("This time has passed. Choose a later one, or none.")
        return at


class EndpointKeyForm(forms.Form):
    """A key for one endpoint, which may only start its runs."""

    name = forms.CharField(label="What the key is for", max_length=200)
    expires_at = KeyForm.base_fields["expires_at"]

    clean_expires_at = KeyForm.clean_expires_at


class RotateForm(forms.Form):
    overlap_seconds = forms.TypedChoiceField(
        label="Current secret", choices=OVERLAPS, coerce=int, initial=0
    )
