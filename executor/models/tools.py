"""Tool connections: servers whose tools agents may call, and what is recorded before a call."""

from __future__ import annotations

import json
import re

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from designs.access import Caller
from designs.models.json import StoredJsonField
from designs.secrets import masking
from designs.secrets.encryption import EncryptedTextField
from executor.models.connection import MAX_CHARACTERS, check_base_url
from executor.models.execution import Execution

TOOL_CONNECTION_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
# `deployments.<path>` names a deployment as a tool.
RESERVED_NAMES = frozenset({"deployments"})
MAX_TOOL_NAME = 200


class ToolKind(models.TextChoices):
    MCP = "mcp", "MCP server"
    HTTP = "http", "HTTP API"


class ToolAuth(models.TextChoices):
    NONE = "none", "None"
    BEARER = "bearer", "Bearer token"
    HEADER = "header", "A header of its own"
    BASIC = "basic", "User name and password"
    OAUTH = "oauth_client_credentials", "OAuth client credentials"


class Effect(models.TextChoices):
    """What a call does that may have happened although its answer was lost."""

    READ = "read", "Only reads"
    IDEMPOTENT = "idempotent", "May be repeated with its key"
    ONCE = "once", "Must not happen twice"


class ApprovalRule(models.TextChoices):
    NEVER = "never", "Never"
    ALWAYS = "always", "Before each call"
    AFTER_UNTRUSTED = "after_untrusted", "Once an untrusted tool has answered"


class UnknownOutcome(models.TextChoices):
    ASK = "ask", "Ask a person"
    RETRY = "retry", "Call again"
    FAIL = "fail", "Fail"


def check_tool_connection_name(value: str) -> None:
    """Raises ValidationError."""
    if not TOOL_CONNECTION_NAME.fullmatch(value):
        raise ValidationError(
            "A name starts with a lower-case letter and has lower-case letters, digits and _, at "
            "most 32, for instance crm.",
            code="tool_connection_name",
        )
    if value in RESERVED_NAMES:
        raise ValidationError(
            f"'{value}' is kept for deployments that are called as tools. Choose another name.",
            code="tool_connection_name",
        )


class ToolConnectionQuerySet(models.QuerySet["ToolConnection"]):
    def for_caller(self, caller: Caller) -> ToolConnectionQuerySet:
        return self if caller.may("executor.view_toolconnection") else self.none()


class ToolConnection(models.Model):
    """A server of tools and its settings. Designs name a tool of it as `crm.search`."""

    name = models.CharField(
        max_length=32,
        validators=[check_tool_connection_name],
        help_text="Lower-case letters, digits and _. Agents name a tool as in crm.search.",
    )
    kind = models.CharField(max_length=10, choices=ToolKind.choices, default=ToolKind.MCP)
    url = models.CharField(
        "URL",
        max_length=MAX_CHARACTERS,
        validators=[check_base_url],
        help_text="Of an MCP server its endpoint, of an HTTP API the address that paths begin at.",
    )
    auth = models.CharField(
        "sign-in", max_length=30, choices=ToolAuth.choices, default=ToolAuth.NONE
    )
    # As `auth` needs it: the header's name; the user's name; the OAuth client's id.
    auth_name = models.CharField(max_length=200, blank=True)
    # Where OAuth tokens are fetched.
    token_url = models.CharField(
        "token URL", max_length=MAX_CHARACTERS, blank=True, validators=[check_base_url]
    )
    secret = EncryptedTextField(blank=True, default="")
    # Further headers, a JSON object.
    headers = EncryptedTextField(blank=True, default="")
    is_guarded = models.BooleanField(
        "public addresses only",
        default=True,
        help_text="Off: it may lead to addresses of this machine and of inner networks.",
    )
    # Who may name its tools in designs; none: whoever may change designs.
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    timeout_seconds = models.PositiveIntegerField(
        "time limit of a call",
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(600)],
        help_text="In seconds.",
    )
    max_response_bytes = models.PositiveIntegerField(
        "longest answer",
        default=1_048_576,
        validators=[MinValueValidator(1_000), MaxValueValidator(10_485_760)],
        help_text="In bytes. Of a longer one nothing is kept.",
    )
    max_concurrent_calls = models.PositiveIntegerField(
        "calls at once, at most",
        default=16,
        validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text="Of one process; further calls wait.",
    )
    # The revision of MCP that *Test* found.
    protocol = models.CharField(max_length=40, blank=True, editable=False)
    is_enabled = models.BooleanField("enabled", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    test_passed = models.BooleanField(null=True, editable=False)
    test_sentence = models.CharField(
        "result", max_length=MAX_CHARACTERS, blank=True, editable=False
    )
    # When its list of tools was last read, and when it may change by the server's word.
    read_at = models.DateTimeField(null=True, blank=True, editable=False)
    read_again_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ToolConnectionQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("name",),
                name="toolconnection_name",
                violation_error_message="Another connection has this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def reveal_secrets(self) -> tuple[str, dict[str, str]]:
        """The secret and the further headers, which are masked from now on.

        Raises SecretUnreadable.
        """
        text = self.headers.reveal()
        headers: dict[str, str] = json.loads(text) if text else {}
        masking.learn(*headers.values())
        return self.secret.reveal(), headers


class Tool(models.Model):
    """A tool of a connection: what models are told of it, and what the administrator decided.

    Models see the accepted text and schema, never what the server says now (`offered`).
    """

    connection = models.ForeignKey(ToolConnection, on_delete=models.CASCADE, related_name="tools")
    name = models.CharField(max_length=MAX_TOOL_NAME)
    title = models.CharField(max_length=MAX_TOOL_NAME, blank=True)
    description = models.TextField(blank=True)
    input_schema = StoredJsonField(default=dict)
    output_schema = StoredJsonField(null=True)
    annotations = StoredJsonField(default=dict)
    # Of an HTTP tool: `method`, `path`, `query`, `headers`, `body`.
    http = StoredJsonField(null=True)
    # Of name, title, description, schemas and annotations, as accepted.
    digest = models.CharField(max_length=64, blank=True)
    # What the server says now, where that differs; null if it is as accepted.
    changed = StoredJsonField(null=True, editable=False)
    # The server names it no longer.
    is_gone = models.BooleanField("gone", default=False, editable=False)

    is_offered = models.BooleanField("offered to designs", default=False)
    effect = models.CharField(max_length=10, choices=Effect.choices, default=Effect.ONCE)
    approval = models.CharField(
        max_length=20, choices=ApprovalRule.choices, default=ApprovalRule.NEVER
    )
    approval_group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    allow_self = models.BooleanField("by whoever started the run", default=False)
    untrusted = models.BooleanField("answers are untrusted", default=True)
    on_unknown_outcome = models.CharField(
        max_length=10, choices=UnknownOutcome.choices, default=UnknownOutcome.ASK
    )
    timeout_seconds = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    most_result_characters = models.PositiveIntegerField(
        default=20_000, validators=[MinValueValidator(100), MaxValueValidator(200_000)]
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("connection__name", "name")
        constraints = [
            models.UniqueConstraint(fields=("connection", "name"), name="tool_connection_name"),
        ]

    def __str__(self) -> str:
        return f"{self.connection.name}.{self.name}"


class ToolIntent(models.Model):
    """Written before a call that must not happen twice: found without a recorded result, it says
    that nobody knows what came of the call. Each try is an intent of its own.
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="tool_intents")
    # The key of the tool's step.
    key = models.CharField(max_length=250)
    # 1 is the first.
    number = models.PositiveSmallIntegerField(default=1)
    tool = models.CharField(max_length=250)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=("execution", "key", "number"), name="toolintent_execution_key_number"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} ({self.number})"
