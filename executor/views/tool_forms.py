"""The forms of tool connections and of tools."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import Group

from designs.input_forms import GroupsField
from designs.strict_json import JsonUnreadable, read_json_object
from executor.models import Tool, ToolConnection
from executor.tool_connections.openapi import MAX_DOCUMENT_BYTES
from executor.tool_connections.tool_services import DECIDED

SERVER = ("kind", "name", "url", "is_enabled")
SIGN_IN = ("auth", "auth_name", "token_url")
LIMITS = ("timeout_seconds", "max_concurrent_calls", "max_response_bytes")
STORED = "Stored and never shown. Leave this empty to keep it."


class SecretLines(forms.Textarea):
    """Lines that are never sent back, also not with an error, as a password."""

    def format_value(self, value: Any) -> None:
        return None


class ToolConnectionForm(forms.ModelForm):
    """A tool connection with its secrets, which go in and never come out."""

    new_secret = forms.CharField(
        label="Secret",
        required=False,
        help_text="The token, password or client secret. Stored encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    remove_secret = forms.BooleanField(label="Remove the stored secret", required=False)
    new_headers = forms.CharField(
        label="Further headers",
        required=False,
        max_length=20_000,
        help_text="One a line, as in X-Area: north. Stored encrypted and never shown again.",
        widget=SecretLines(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )
    remove_headers = forms.BooleanField(label="Remove the stored headers", required=False)
    groups = GroupsField(
        Group.objects.order_by("name"),
        required=False,
        label="Who may name its tools",
        help_text="Groups of designers. None: whoever may change designs.",
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ToolConnection
        fields = (*SERVER, *SIGN_IN, "is_guarded", *LIMITS)
        labels: ClassVar[dict[str, str]] = {
            "kind": "Kind",
            "name": "Name",
            "url": "Address",
            "is_enabled": "Enabled",
            "auth": "Sign-in",
            "auth_name": "Name for the sign-in",
            "token_url": "Token address",
            "is_guarded": "Public addresses only",
            "timeout_seconds": "Time limit of a call (s)",
            "max_concurrent_calls": "Max concurrent calls",
            "max_response_bytes": "Longest answer (bytes)",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Agents name a tool as in crm.search. Lower-case letters, digits and _.",
            "url": "An MCP server's endpoint, for example https://tools.example.com/mcp, or the "
            "address that the paths of an HTTP API begin at.",
            "auth_name": "The header's name, the user name or the OAuth client id, as the sign-in "
            "needs it.",
            "token_url": "Where OAuth tokens are fetched.",
            "is_enabled": "Runs that use tools of a disabled connection fail.",
            "is_guarded": "Off: calls may go to this machine and to inner networks.",
            "max_concurrent_calls": "Of each process; more calls wait.",
            "max_response_bytes": "Nothing is kept of a longer one.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for stored, new, remove in (
            (self.instance.secret, "new_secret", "remove_secret"),
            (self.instance.headers, "new_headers", "remove_headers"),
        ):
            if stored:
                self.fields[new].help_text = STORED
            else:
                del self.fields[remove]
        if self.instance.pk:
            self.fields["groups"].initial = self.instance.groups.all()

    def clean_new_headers(self) -> dict[str, str] | None:
        """None: as they are."""
        headers = {}
        for line in self.cleaned_data["new_headers"].splitlines():
            name, colon, value = line.partition(":")
            if line.strip() and not (colon and name.strip()):
                raise forms.ValidationError("Write each header on a line, as in X-Area: north.")
            if line.strip():
                headers[name.strip()] = value.strip()
        return headers or None

    @property
    def has_opened_details(self) -> bool:
        """Whether a folded part of the form has an error to show."""
        return bool(set(self.errors) & {"new_headers", "groups", *LIMITS})

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in LIMITS]


class ToolForm(forms.ModelForm):
    """What an administrator decides about a tool."""

    digest = forms.CharField(widget=forms.HiddenInput, required=False)

    class Meta:
        model = Tool
        fields = DECIDED
        labels: ClassVar[dict[str, str]] = {
            "is_offered": "Offered to designs",
            "effect": "Effect of a call",
            "approval": "Approval by a person",
            "approval_group": "Who approves",
            "allow_self": "Whoever started the run may approve",
            "untrusted": "Its answers are untrusted",
            "on_unknown_outcome": "If an answer was lost",
            "timeout_seconds": "Time limit (s)",
            "most_result_characters": "Characters of an answer that models read",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "effect": "What happens if a call is made twice.",
            "untrusted": "Tools that need approval then ask for it, once this one has answered.",
            "on_unknown_outcome": "Only for calls that must not happen twice.",
            "timeout_seconds": "Empty: the connection's.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group: Any = self.fields["approval_group"]
        group.empty_label = "Whoever may decide for the deployment"


class JsonField(forms.CharField):
    """A JSON object, typed as text."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "class": "code"})
        super().__init__(widget=widget, **options)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return {}
        try:
            return read_json_object(text)
        except JsonUnreadable as error:
            raise forms.ValidationError(str(error)) from error


class TryForm(forms.Form):
    arguments = JsonField(rows=5, label="Arguments", required=False, max_length=65_536)
    confirm = forms.BooleanField(label="Call it, though it may change something", required=False)


class ImportForm(forms.Form):
    document = JsonField(
        rows=10,
        label="OpenAPI 3 document (JSON)",
        max_length=MAX_DOCUMENT_BYTES,
        help_text="Each operation becomes a tool; none is offered yet. Up to 1 MiB and 200 "
        "operations.",
    )


class HttpToolForm(forms.Form):
    """A tool of an HTTP API, described by hand."""

    name = forms.CharField(max_length=200, help_text="For example find_order.")
    description = forms.CharField(
        required=False, max_length=8_000, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Models read this to decide when to call it.",
    )  # fmt: skip
    http = JsonField(
        rows=5,
        label="Request",
        initial=json.dumps({"method": "GET", "path": "/orders/{order_id}", "query": {}}, indent=2),
        help_text="method and path; where needed query, headers and body. {order_id} stands for an "
        "argument.",
    )
    input_schema = JsonField(
        rows=8,
        label="Arguments (JSON Schema)",
        initial=json.dumps(
            {
                "type": "object",
                "properties": {"order_id": {"type": "string"}},
                "required": ["order_id"],
            },
            indent=2,
        ),
    )
