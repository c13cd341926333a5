"""The form of a model connection."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from executor.models import ModelConnection

SERVER = ("name", "provider", "base_url", "default_model")
LIMITS = ("timeout_seconds", "max_concurrent_calls")
PRICES = ("input_price_usd", "output_price_usd")
FEATURES = ("takes_json_schema", "has_system_role", "streams")

KEY_STORED = "A key is stored and cannot be shown. Leave this empty to keep it."
KEY_EMPTY = "Stored encrypted and never shown again. Leave this empty for a server without a key."


class ConnectionForm(forms.ModelForm):
    """A model connection with its key, which goes in and never comes out."""

    new_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    remove_key = forms.BooleanField(label="Remove the stored key", required=False)

    class Meta:
        model = ModelConnection
        fields = (*SERVER, "is_enabled", *LIMITS, *PRICES, *FEATURES)
        labels: ClassVar[dict[str, str]] = {
            "base_url": "Address",
            "is_enabled": "Enabled",
            "timeout_seconds": "Time limit of a call (s)",
            "max_concurrent_calls": "Max concurrent calls",
            "input_price_usd": "Input price (USD per million tokens)",
            "output_price_usd": "Output price (USD per million tokens)",
            "takes_json_schema": "Takes a JSON schema",
            "has_system_role": "Takes a system message",
            "streams": "Streams text",
        }
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Designs and agents use this name as their model. Lower-case letters, digits, "
            "- and _, for example my-vllm.",
            "provider": "The protocol that the server speaks.",
            "base_url": "For example http://127.0.0.1:8080/v1. Leave this empty for the provider's "
            "own address.",
            "default_model": "The model that is asked when only the connection is named.",
            "is_enabled": "Runs that use a disabled connection fail, or use a fallback model.",
            "timeout_seconds": "A call that takes longer is tried again.",
            "max_concurrent_calls": "In the whole installation; more calls wait. Empty: no limit.",
            "input_price_usd": "Empty: the public price list's, where it has the model.",
            "output_price_usd": "Fill in both prices or none. 0 means the model costs nothing.",
            "takes_json_schema": "Off: the prompt says what the answer must look like.",
            "has_system_role": "Off: instructions come first in the user's message.",
            "streams": "Off: whoever watches a run sees answers when they are complete.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        has_key = bool(self.instance.api_key)
        self.fields["new_key"].help_text = KEY_STORED if has_key else KEY_EMPTY
        if not has_key:
            del self.fields["remove_key"]

    @property
    def has_opened_details(self) -> bool:
        """Whether a folded part of the form has an error to show."""
        return bool(set(self.errors) & {*LIMITS, *PRICES, *FEATURES})

    @property
    def limits(self) -> list[forms.BoundField]:
        return [self[name] for name in (*LIMITS, *PRICES)]

    @property
    def features(self) -> list[forms.BoundField]:
        return [self[name] for name in FEATURES]
