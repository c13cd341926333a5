"""The admin of model connections: the key goes in and never comes out; a test asks the model."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseRedirect
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from designs.access import Caller
from designs.admin.base import OrchestraAdmin
from designs.admin.refusals import ServiceForm
from designs.admin.shown import EMPTY, admin_url, badge
from designs.admin.verbs import ActionResult, bulk_verb, page_verb
from designs.requests import PageRequest
from executor.connections import choose_default, probe_connection, save_connection
from executor.errors import ConnectionInvalid
from executor.language_models.probe import PROBE_SECONDS
from executor.models import ModelConnection

KEY_STORED = "A key is stored and cannot be shown. Empty: it stays. A new one takes its place."
TEST_TEXT = (
    "A short question is sent to the default model in three ways, as designs send theirs: plainly, "
    f"with a JSON schema, and streamed. It may take up to {PROBE_SECONDS:g} seconds and costs a "
    "few tokens. What the server does without is kept at the connection."
)


def switch(connection: ModelConnection, caller: Caller, *, on: bool) -> None:
    connection.is_enabled = on
    save_connection(connection=connection, caller=caller)


class ConnectionForm(ServiceForm):
    new_key = forms.CharField(
        label="API key",
        required=False,
        widget=UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False
        ),
        help_text="Stored encrypted, and never shown again. Empty: a server that needs none.",
    )
    remove_key = forms.BooleanField(
        label="Remove the stored key", required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = ModelConnection
        fields = (
            "name", "provider", "base_url", "default_model", "is_enabled", "timeout_seconds",
            "max_concurrent_calls", "takes_json_schema", "has_system_role", "streams",
            "input_price_usd", "output_price_usd",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "remove_key" in self.fields and not self.instance.api_key:
            del self.fields["remove_key"]
        elif "new_key" in self.fields:
            self.fields["new_key"].help_text = KEY_STORED


@admin.register(ModelConnection)
class ModelConnectionAdmin(OrchestraAdmin):
    form = ConnectionForm
    list_display = (
        "name", "is_default", "state", "provider", "address", "default_model", "key", "limits",
        "updated_at",
    )  # fmt: skip
    list_filter = (
        ("provider", ChoicesCheckboxFilter),
        ("is_enabled", BooleanRadioFilter),
        ("test_passed", BooleanRadioFilter),
    )
    search_fields = ("name", "base_url", "default_model")
    search_help_text = "Name, address or model."
    readonly_fields = (
        "is_default", "state", "key", "test_sentence", "tested_at", "created_at", "updated_at",
    )  # fmt: skip
    actions = (
        bulk_verb("enable", "Enable", "change", "{count} enabled.", partial(switch, on=True)),
        bulk_verb("disable", "Disable", "change", "{count} disabled.", partial(switch, on=False)),
    )
    actions_detail = ("test", "set_default")
    refusals = {**OrchestraAdmin.refusals, ConnectionInvalid: ""}

    def get_fieldsets(self, request: PageRequest, obj: Any = None) -> Any:
        key = ["key"]
        if obj is None or self.has_change_permission(request, obj):
            key = ["new_key", "remove_key"] if obj and obj.api_key else ["new_key"]
        server = ("name", "provider", "base_url", *key, "default_model", "is_enabled")
        fieldsets = [
            (None, {"fields": server}),
            ("Limits", {"fields": ("timeout_seconds", "max_concurrent_calls")}),
            ("The server", {"fields": ("takes_json_schema", "has_system_role", "streams")}),
            ("Prices", {"fields": ("input_price_usd", "output_price_usd")}),
        ]
        if obj:
            state = (
                "is_default",
                "state",
                "test_sentence",
                "tested_at",
                "created_at",
                "updated_at",
            )
            fieldsets.append(("Last test", {"fields": state}))
        return fieldsets

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="Status", ordering="test_passed")
    def state(self, connection: ModelConnection) -> str:
        if not connection.is_enabled:
            return badge("Disabled")
        if connection.test_passed is None:
            return badge("Not tested", "info")
        return badge("Answers", "success") if connection.test_passed else badge("Fails", "danger")

    @display(description="Address", ordering="base_url")
    def address(self, connection: ModelConnection) -> str:
        return connection.base_url or "The provider's own"

    @display(description="Key")
    def key(self, connection: ModelConnection) -> str:
        return badge("Stored", "success") if connection.api_key else badge("None")

    @display(description="Calls at once", ordering="max_concurrent_calls")
    def limits(self, connection: ModelConnection) -> str:
        limit = connection.max_concurrent_calls
        return EMPTY if limit is None else f"{limit:,}"

    # --- Writing ----------------------------------------------------------------------------------

    def store(self, request: Any, obj: ModelConnection, form: Any, change: bool) -> None:
        save_connection(
            connection=obj,
            new_key=form.cleaned_data.get("new_key", ""),
            remove_key=form.cleaned_data.get("remove_key", False),
            caller=request.caller,
        )

    # --- Verbs ------------------------------------------------------------------------------------

    @page_verb(
        "Set as default", "change", icon="star", title="Set {row} as the default?",
        text="Designs and agents that name no model ask its default model from then on.",
        button="Set as default",
    )  # fmt: skip
    def set_default(
        self, request: PageRequest, row: ModelConnection, data: dict[str, Any]
    ) -> ActionResult:
        choose_default(connection=row)
        return ActionResult(f"{row} is now the default model.")

    @action(
        description="Test",
        url_path="test",
        permissions=["change"],
        icon="network_check",
        variant=ActionVariant.PRIMARY,
    )
    def test(self, request: PageRequest, object_id: str) -> HttpResponse:
        connection = self.row(request, object_id)
        if request.method != "POST":
            title = f"Test {connection}"
            return self.question(
                request, connection, forms.Form(), title=title, text=TEST_TEXT, button="Test"
            )
        # Not by `ask`, which opens a transaction: the call may take long.
        result = probe_connection(connection=connection)
        level = messages.SUCCESS if result.passed else messages.ERROR
        self.message_user(request, result.sentence, level)
        self.log_change(request, connection, f"Tested. {result.sentence}")
        return HttpResponseRedirect(admin_url(connection))
