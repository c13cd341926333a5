"""Model connections: servers of language models, to which administrators give names."""

from __future__ import annotations

import re
from typing import get_args
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from designs.access import Caller
from designs.secrets.encryption import EncryptedTextField
from designs.secrets.masking import masked
from executor.engine.llm.clients import READ_SECONDS, Protocol

# The first words of models that need no connection: `openai:gpt-5-mini`, `offline:stand-in`.
PROVIDER_WORDS: frozenset[str] = frozenset({*get_args(Protocol), "local", "offline"})
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAME_RULE = (
    "A name starts with a lower-case letter and has lower-case letters, digits, - and _, at most "
    "64, for instance my-vllm."
)
# Agents name models by at most 200 characters: the connection, a colon, the model.
MODEL_CHARACTERS = 135
MAX_KEY_CHARACTERS = 4_000
# Of an address, and of the result of a test.
MAX_CHARACTERS = 500


class Provider(models.TextChoices):
    OPENAI = "openai", "OpenAI"
    ANTHROPIC = "anthropic", "Anthropic"
    GOOGLE = "google", "Google"
    OLLAMA = "ollama", "Ollama"
    OPENAI_COMPATIBLE = "openai_compatible", "OpenAI-compatible server"


# Providers with a default address, which need a key.
HOSTED = frozenset({Provider.OPENAI, Provider.ANTHROPIC, Provider.GOOGLE})


def check_connection_name(value: str) -> None:
    """Raises ValidationError."""
    if not NAME_PATTERN.fullmatch(value):
        raise ValidationError(NAME_RULE, code="connection_name")
    if masked(value) != value:
        raise ValidationError(
            "This name looks like a key, and everybody may read names. Choose another.",
            code="connection_name",
        )
    if value in PROVIDER_WORDS:
        raise ValidationError(
            f"'{value}' is the word for a provider: '{value}:…' would mean two things. "
            "Choose another name.",
            code="connection_name",
        )


def check_base_url(value: str) -> None:
    """Raises ValidationError unless it is an HTTP address without credentials."""
    try:
        parts = urlsplit(value)
        host = (parts.hostname or "").encode("idna")
        is_address = parts.scheme in ("http", "https") and bool(host) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not value.isascii() or not value.isprintable() or " " in value:
        raise ValidationError(
            "Write an address such as http://127.0.0.1:8080/v1.", code="connection_address"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValidationError(
            "Write the address without name, password, ? and #. A password goes into the key.",
            code="connection_address",
        )


def check_api_key(value: str) -> None:
    """Raises ValidationError, whose message does not contain the key."""
    if len(value) > MAX_KEY_CHARACTERS or not value.isascii() or not value.isprintable():
        raise ValidationError(
            f"A key has at most {MAX_KEY_CHARACTERS} printable ASCII characters. "
            "Copy it again, without line breaks.",
            code="connection_key",
        )


class ModelConnectionQuerySet(models.QuerySet["ModelConnection"]):
    def for_caller(self, caller: Caller) -> ModelConnectionQuerySet:
        return self if caller.may("executor.view_modelconnection") else self.none()


class ModelConnection(models.Model):
    """A server and its settings. Designs name it as a model: `my-vllm`, or `my-vllm:some-model`."""

    name = models.CharField(
        max_length=64,
        validators=[check_connection_name],
        help_text=f"{NAME_RULE} Designs and agents name it as their model.",
    )
    provider = models.CharField(
        max_length=20,
        choices=Provider.choices,
        default=Provider.OPENAI_COMPATIBLE,
        help_text="Which protocol the server speaks.",
    )
    base_url = models.CharField(
        "base URL",
        max_length=MAX_CHARACTERS,
        blank=True,
        validators=[check_base_url],
        help_text="For instance http://127.0.0.1:8080/v1. Empty: the provider's own address.",
    )
    api_key = EncryptedTextField(blank=True, default="")
    default_model = models.CharField(
        max_length=MODEL_CHARACTERS,
        blank=True,
        help_text="What is asked when only the connection is named, as in my-vllm.",
    )
    # True: it may lead to public addresses only.
    is_guarded = models.BooleanField(default=False, editable=False)
    is_enabled = models.BooleanField("enabled", default=True)
    # What designs and agents use that name no model; at most one connection is.
    is_default = models.BooleanField("default", default=False, editable=False)
    timeout_seconds = models.PositiveIntegerField(
        "time limit of a call",
        default=120,
        validators=[MinValueValidator(1), MaxValueValidator(int(READ_SECONDS))],
        help_text="In seconds. A call that takes longer has failed, and is tried again.",
    )
    max_concurrent_calls = models.PositiveIntegerField(
        "calls at once, at most",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
        help_text="Of the whole installation; further calls wait. Empty: no limit.",
    )
    # Features that some OpenAI-compatible servers lack; the test finds out.
    takes_json_schema = models.BooleanField(
        "takes a JSON schema",
        default=True,
        help_text="Off: how an answer is to look stands in the prompt only. Found out by the test.",
    )
    has_system_role = models.BooleanField(
        "takes a system message",
        default=True,
        help_text="Off: instructions stand first in the user's message. Found out by the test.",
    )
    streams = models.BooleanField(
        "sends text as it comes",
        default=True,
        help_text="Off: answers are asked for as a whole, and who watches sees them when they are "
        "finished. Found out by the test.",
    )
    input_price_usd = models.DecimalField(
        "price of input",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="US dollars for a million tokens. Empty: the public list's, if it has the model.",
    )
    output_price_usd = models.DecimalField(
        "price of output",
        max_digits=12,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="US dollars for a million tokens. Both prices or none; 0 for what costs nothing.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    tested_at = models.DateTimeField(null=True, blank=True, editable=False)
    test_passed = models.BooleanField(null=True, editable=False)
    test_sentence = models.CharField(
        "result", max_length=MAX_CHARACTERS, blank=True, editable=False
    )

    objects = ModelConnectionQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(
                fields=("name",),
                name="modelconnection_name",
                violation_error_message="Another connection has this name.",
            ),
            models.UniqueConstraint(
                fields=("is_default",),
                condition=models.Q(is_default=True),
                name="modelconnection_one_default",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.provider == Provider.OPENAI_COMPATIBLE and not self.base_url:
            raise ValidationError(
                {"base_url": "An OpenAI-compatible server needs an address: write where it is."}
            )
        if (self.input_price_usd is None) != (self.output_price_usd is None):
            missing = "input" if self.input_price_usd is None else "output"
            raise ValidationError(
                {f"{missing}_price_usd": "Give both prices, or none: half a cost is none."}
            )
