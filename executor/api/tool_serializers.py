"""Shapes of tool connections and tools in the API."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from rest_framework import serializers

from designs.api.base import StrictSerializer
from designs.api.fields import field_in, field_out
from executor.models import (
    ApprovalRule,
    Effect,
    Tool,
    ToolAuth,
    ToolConnection,
    ToolKind,
    UnknownOutcome,
)
from executor.models.connection import MAX_CHARACTERS, MAX_KEY_CHARACTERS
from executor.models.tools import MAX_TOOL_NAME
from executor.tool_connections.tool_texts import effect_suggested

LIMITS = ("timeout_seconds", "max_response_bytes", "max_concurrent_calls")


NO_GROUP = "There is no group of this name."


def groups_named(names: list[str]) -> list[Group]:
    """Raises ValidationError."""
    found = {group.name: group for group in Group.objects.filter(name__in=names)}
    if set(names) - set(found):
        raise serializers.ValidationError(NO_GROUP)
    return list(found.values())


class ToolConnectionIn(StrictSerializer):
    """Without `secret` or `headers` the stored ones stay, as long as the address does."""

    read_only_names = frozenset(
        {
            "id", "has_secret", "has_headers", "protocol", "tested_at", "test_passed",
            "test_sentence", "read_at", "created_at", "updated_at",
        }
    )  # fmt: skip

    name = serializers.CharField(max_length=32)
    kind = serializers.ChoiceField(choices=ToolKind.choices, default=ToolKind.MCP)
    url = serializers.CharField(max_length=MAX_CHARACTERS)
    auth = serializers.ChoiceField(choices=ToolAuth.choices, default=ToolAuth.NONE)
    auth_name = serializers.CharField(
        max_length=200,
        allow_blank=True,
        default="",
        help_text="The header's, the user's, or the OAuth client's name, as `auth` needs it.",
    )
    token_url = serializers.CharField(max_length=MAX_CHARACTERS, allow_blank=True, default="")
    secret = serializers.CharField(
        max_length=MAX_KEY_CHARACTERS,
        write_only=True,
        allow_blank=True,
        required=False,
        help_text="Stored encrypted, never shown. Empty: the stored one is removed.",
    )
    headers = serializers.DictField(
        child=serializers.CharField(max_length=MAX_KEY_CHARACTERS),
        write_only=True,
        required=False,
        help_text="Further headers of each call; stored encrypted, never shown.",
    )
    is_guarded = serializers.BooleanField(
        default=True, help_text="It may lead to public addresses only."
    )
    groups = serializers.ListField(
        child=serializers.CharField(max_length=150),
        max_length=100,
        default=list,
        help_text="Who may name its tools; none: whoever may change designs.",
    )
    is_enabled = serializers.BooleanField(default=True)

    def validate_groups(self, value: list[str]) -> list[Group]:
        return groups_named(value)

    def get_fields(self) -> Any:
        columns = ToolConnection._meta.get_field
        return {**super().get_fields(), **{name: field_in(columns(name)) for name in LIMITS}}


class ToolConnectionOut(serializers.Serializer[ToolConnection]):
    """A server whose tools agents may call. Its secrets are never shown."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ToolKind.choices)
    url = serializers.CharField()
    auth = serializers.ChoiceField(choices=ToolAuth.choices)
    auth_name = serializers.CharField()
    token_url = serializers.CharField()
    has_secret = serializers.BooleanField(source="secret")
    has_headers = serializers.BooleanField(source="headers")
    is_guarded = serializers.BooleanField()
    groups = serializers.SerializerMethodField(help_text="Who may name its tools, by name.")
    is_enabled = serializers.BooleanField()
    protocol = serializers.CharField(help_text="The revision of MCP that the test found.")
    tested_at = serializers.DateTimeField(allow_null=True)
    test_passed = serializers.BooleanField(allow_null=True)
    test_sentence = serializers.CharField()
    read_at = serializers.DateTimeField(
        allow_null=True, help_text="When its list of tools was last read."
    )
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()

    def get_groups(self, connection: ToolConnection) -> list[str]:
        return sorted(group.name for group in connection.groups.all())

    def get_fields(self) -> Any:
        columns = ToolConnection._meta.get_field
        return {**super().get_fields(), **{name: field_out(columns(name)) for name in LIMITS}}


class ConnectionTestOut(serializers.Serializer[Any]):
    """Whether the server answers as it must, and a sentence."""

    passed = serializers.BooleanField()
    sentence = serializers.CharField()


class ReadingOut(serializers.Serializer[Any]):
    """What reading a list of tools found."""

    sentence = serializers.CharField()
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    gone = serializers.IntegerField()


class ToolChangeIn(StrictSerializer):
    """What an administrator decides about a tool. What the server says of it cannot be changed."""

    is_offered = serializers.BooleanField(required=False)
    effect = serializers.ChoiceField(choices=Effect.choices, required=False)
    approval = serializers.ChoiceField(choices=ApprovalRule.choices, required=False)
    approval_group = serializers.CharField(
        max_length=150,
        allow_null=True,
        required=False,
        help_text="Who decides; null: whoever may decide for the deployment.",
    )
    allow_self = serializers.BooleanField(required=False)
    untrusted = serializers.BooleanField(required=False)
    on_unknown_outcome = serializers.ChoiceField(choices=UnknownOutcome.choices, required=False)
    timeout_seconds = serializers.IntegerField(
        min_value=1, max_value=600, allow_null=True, required=False
    )
    most_result_characters = serializers.IntegerField(
        min_value=100, max_value=200_000, required=False
    )
    digest = serializers.CharField(
        max_length=64,
        required=False,
        help_text="Of the text that you saw: the change is refused if it is another one now.",
    )

    def validate_approval_group(self, value: str | None) -> Group | None:
        return groups_named([value])[0] if value is not None else None


class DigestIn(StrictSerializer):
    digest = serializers.CharField(
        max_length=64,
        default="",
        allow_blank=True,
        help_text="Of `changed`, as you saw it: refused if the server says something else now.",
    )


class HttpToolIn(StrictSerializer):
    """A tool of an HTTP API: texts name arguments as `{order_id}`, in paths they are encoded."""

    name = serializers.CharField(max_length=MAX_TOOL_NAME)
    title = serializers.CharField(max_length=MAX_TOOL_NAME, allow_blank=True, default="")
    description = serializers.CharField(max_length=8_000, allow_blank=True, default="")
    input_schema = serializers.DictField(default=lambda: {"type": "object"})
    http = serializers.DictField(
        help_text="`method`, `path`, and, where needed, `query`, `headers`, `body`."
    )


class DocumentIn(StrictSerializer):
    document = serializers.DictField(help_text="An OpenAPI 3 document, up to 1 MiB.")


class ToolCallIn(StrictSerializer):
    arguments = serializers.DictField(default=dict)
    confirm = serializers.BooleanField(
        default=False, help_text="Needed for tools with another effect than `read`."
    )


class ToolResultOut(serializers.Serializer[Any]):
    """What a model would read."""

    content = serializers.CharField()
    is_error = serializers.BooleanField()
    outcome = serializers.ChoiceField(choices=["done", "error", "not_called"])
    size = serializers.IntegerField(help_text="Of the answer, in bytes.")


class ToolOut(serializers.Serializer[Tool]):
    """A tool as it was accepted. `changed` is what the server says now, if that differs."""

    name = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField()
    input_schema = serializers.DictField()
    output_schema = serializers.DictField(allow_null=True)
    annotations = serializers.DictField()
    http = serializers.DictField(allow_null=True)
    digest = serializers.CharField()
    changed = serializers.DictField(allow_null=True)
    is_gone = serializers.BooleanField(help_text="The server names it no longer.")
    is_offered = serializers.BooleanField()
    effect = serializers.ChoiceField(choices=Effect.choices)
    suggested_effect = serializers.SerializerMethodField(
        help_text="By the server's hints or the method; only a suggestion."
    )
    approval = serializers.ChoiceField(choices=ApprovalRule.choices)
    approval_group = serializers.CharField(source="approval_group.name", default=None)
    allow_self = serializers.BooleanField()
    untrusted = serializers.BooleanField()
    on_unknown_outcome = serializers.ChoiceField(choices=UnknownOutcome.choices)
    timeout_seconds = serializers.IntegerField(allow_null=True)
    most_result_characters = serializers.IntegerField()

    def get_suggested_effect(self, tool: Tool) -> str | None:
        return effect_suggested(tool)


class DesignerToolOut(serializers.Serializer[Any]):
    """A tool that agents may name."""

    name = serializers.CharField(help_text="As agents name it, for instance crm.search.")
    title = serializers.CharField()
    description = serializers.CharField()
    effect = serializers.ChoiceField(choices=Effect.choices)
    approval = serializers.ChoiceField(choices=ApprovalRule.choices)
    input_schema = serializers.DictField()
