"""The admin of tool connections and tools: secrets go in and never come out."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesCheckboxFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from designs.access import Caller
from designs.admin.base import OrchestraAdmin
from designs.admin.refusals import ServiceForm
from designs.admin.shown import admin_url, badge
from designs.admin.verbs import bulk_verb
from designs.input_forms import GroupsField
from designs.requests import PageRequest
from executor.errors import ToolsInvalid, ToolsNotRead
from executor.models import Tool, ToolConnection
from executor.tool_connections.services import (
    delete_connection,
    read_tools,
    save_connection,
    test_connection,
)
from executor.tool_connections.tool_services import DECIDED, accept_tool, change_tool

STORED = "A secret is stored and cannot be shown. Empty: it stays. A new one takes its place."
TEST_TEXT = "The server is asked for its tools, or at its address; that takes up to 20 seconds."
READ_TEXT = (
    "The server is asked for its list. New tools are not offered; of tools that are offered, what "
    "the server says now waits to be accepted."
)
ACCEPT_TEXT = (
    "From now on models are shown what the server says now. Compare it on the tool's page."
)

NOTHING_NEW = "The server says nothing else of this tool, so there is nothing to accept."


def switch(connection: ToolConnection, caller: Caller, *, on: bool) -> None:
    connection.is_enabled = on
    save_connection(connection=connection, caller=caller)


class ToolConnectionForm(ServiceForm):
    new_secret = forms.CharField(
        label="Secret",
        required=False,
        widget=UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "off", "spellcheck": "false"}, render_value=False
        ),
        help_text="Stored encrypted, and never shown again. Empty: none.",
    )
    remove_secret = forms.BooleanField(
        label="Remove the stored secret", required=False, widget=UnfoldBooleanSwitchWidget
    )

    class Meta:
        model = ToolConnection
        fields = (
            "name", "kind", "url", "is_guarded", "auth", "auth_name", "token_url", "is_enabled",
            "timeout_seconds", "max_response_bytes", "max_concurrent_calls", "groups",
        )  # fmt: skip
        field_classes: ClassVar[dict[str, Any]] = {"groups": GroupsField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "remove_secret" in self.fields and not self.instance.secret:
            del self.fields["remove_secret"]
        elif "new_secret" in self.fields:
            self.fields["new_secret"].help_text = STORED


@admin.register(ToolConnection)
class ToolConnectionAdmin(OrchestraAdmin):
    form = ToolConnectionForm
    list_display = ("name", "kind", "state", "url", "secret_state", "updated_at")
    list_filter = (
        ("kind", ChoicesCheckboxFilter),
        ("is_enabled", BooleanRadioFilter),
        ("test_passed", BooleanRadioFilter),
    )
    search_fields = ("name", "url")
    search_help_text = "Name or address."
    readonly_fields = (
        "state", "secret_state", "protocol", "test_sentence", "tested_at", "read_at", "page",
        "created_at", "updated_at",
    )  # fmt: skip
    actions = (
        bulk_verb("enable", "Enable", "change", "{count} enabled.", partial(switch, on=True)),
        bulk_verb("disable", "Disable", "change", "{count} disabled.", partial(switch, on=False)),
    )
    actions_detail = ("test", "read_tools")
    refusals = {**OrchestraAdmin.refusals, ToolsInvalid: ""}

    def get_fieldsets(self, request: PageRequest, obj: Any = None) -> Any:
        secret = ["secret_state"]
        if obj is None or self.has_change_permission(request, obj):
            secret = ["new_secret", "remove_secret"] if obj and obj.secret else ["new_secret"]
        limits = ("timeout_seconds", "max_response_bytes", "max_concurrent_calls")
        fieldsets = [
            (None, {"fields": ("name", "kind", "url", "is_guarded", "is_enabled")}),
            ("Sign-in", {"fields": ("auth", "auth_name", "token_url", *secret)}),
            ("Limits", {"fields": limits}),
            ("Who may name its tools", {"fields": ("groups",)}),
        ]
        if obj:
            state = (
                "state", "test_sentence", "tested_at", "protocol", "read_at", "page", "created_at",
                "updated_at",
            )  # fmt: skip
            fieldsets.append(("The server", {"fields": state}))
        return fieldsets

    @display(description="Status", ordering="test_passed")
    def state(self, connection: ToolConnection) -> str:
        if not connection.is_enabled:
            return badge("Disabled")
        if connection.test_passed is None:
            return badge("Not tested", "info")
        return badge("Answers", "success") if connection.test_passed else badge("Fails", "danger")

    @display(description="Secret")
    def secret_state(self, connection: ToolConnection) -> str:
        return badge("Stored", "success") if connection.secret else badge("None")

    @display(description="Tools")
    def page(self, connection: ToolConnection) -> str:
        url = reverse("executor:tool-connection-detail", args=[connection.pk])
        return format_html('<a href="{}">Its tools, with what changed and a try</a>', url)

    def store(self, request: Any, obj: ToolConnection, form: Any, change: bool) -> None:
        save_connection(
            connection=obj,
            new_secret=form.cleaned_data.get("new_secret", ""),
            remove_secret=form.cleaned_data.get("remove_secret", False),
            groups=form.cleaned_data.get("groups"),
            caller=request.caller,
        )

    def delete_model(self, request: Any, obj: ToolConnection) -> None:
        delete_connection(connection=obj)

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
            return self._asked(request, connection, "Test", TEST_TEXT)
        # Not by `ask`, which opens a transaction: the call may take long.
        passed, sentence = test_connection(connection=connection, caller=request.caller)
        level = messages.SUCCESS if passed else messages.ERROR
        self.message_user(request, sentence, level)
        return HttpResponseRedirect(admin_url(connection))

    @action(description="Read tools", url_path="read-tools", permissions=["change"], icon="refresh")
    def read_tools(self, request: PageRequest, object_id: str) -> HttpResponse:
        connection = self.row(request, object_id)
        if request.method != "POST":
            return self._asked(request, connection, "Read tools of", READ_TEXT)
        try:
            reading = read_tools(connection=connection, caller=request.caller)
        except ToolsNotRead as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, reading.sentence, messages.SUCCESS)
        return HttpResponseRedirect(admin_url(connection))

    def _asked(
        self, request: PageRequest, connection: ToolConnection, verb: str, text: str
    ) -> HttpResponse:
        title = f"{verb} {connection}"
        return self.question(
            request, connection, forms.Form(), title=title, text=text, button="Ask the server"
        )


class AcceptForm(forms.Form):
    """`digest` is that of what the server said when the administrator was asked."""

    digest = forms.CharField(widget=forms.HiddenInput, required=False)


class ToolForm(ServiceForm):
    class Meta:
        model = Tool
        fields = DECIDED


@admin.register(Tool)
class ToolAdmin(OrchestraAdmin):
    form = ToolForm
    list_display = ("tool_name", "is_offered", "effect", "approval", "standing", "updated_at")
    list_select_related = ("connection",)
    list_filter = (
        ("is_offered", BooleanRadioFilter),
        ("effect", ChoicesCheckboxFilter),
        ("approval", ChoicesCheckboxFilter),
        ("is_gone", BooleanRadioFilter),
    )
    deferred_in_lists = ("input_schema", "output_schema", "annotations", "http")
    search_fields = ("name", "connection__name")
    search_help_text = "Name of the tool or of its connection."
    readonly_fields = ("tool_name", "title", "description", "standing", "page")
    fieldsets = (
        (None, {"fields": ("tool_name", "title", "description", "standing", "page")}),
        ("Decided", {"fields": DECIDED}),
    )
    actions_detail = ("accept",)
    refusals = {**OrchestraAdmin.refusals, ToolsInvalid: ""}

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows if caller.may("executor.view_tool") else rows.none()

    def has_add_permission(self, request: Any) -> bool:
        return False

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        return False

    @display(description="Tool", ordering="name")
    def tool_name(self, tool: Tool) -> str:
        return str(tool)

    @display(description="The server")
    def standing(self, tool: Tool) -> str:
        if tool.is_gone:
            return badge("Gone", "danger")
        return badge("Changed", "warning") if tool.changed else badge("As accepted", "success")

    @display(description="Page")
    def page(self, tool: Tool) -> str:
        url = reverse("executor:tool-detail", args=[tool.pk])
        return format_html('<a href="{}">What changed, and a try</a>', url)

    def store(self, request: Any, obj: Tool, form: Any, change: bool) -> None:
        stored = Tool.objects.get(pk=obj.pk)
        changes = {name: getattr(obj, name) for name in DECIDED}
        change_tool(tool=stored, changes=changes)

    @action(description="Accept", url_path="accept", permissions=["change"], icon="check")
    def accept(self, request: PageRequest, object_id: str) -> HttpResponse:
        tool = self.row(request, object_id)
        if request.method != "POST":
            title = f"Accept what the server says of {tool}"
            form = AcceptForm(initial={"digest": (tool.changed or {}).get("digest")})
            return self.question(
                request, tool, form, title=title, text=ACCEPT_TEXT, button="Accept"
            )
        digest = request.POST.get("digest", "")
        if not digest:
            self.message_user(request, NOTHING_NEW, messages.WARNING)
            return HttpResponseRedirect(admin_url(tool))
        try:
            accept_tool(tool=tool, digest=digest)
        except ToolsInvalid as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, f"{tool} is accepted.", messages.SUCCESS)
        return HttpResponseRedirect(admin_url(tool))
