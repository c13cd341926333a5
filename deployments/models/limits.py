"""The limits of deployments and keys: forms, API and admin are made from these columns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models

from designs.rows.columns import between

MAX_COUNT = 2_000_000_000
MAX_BYTES = 1_000_000_000
# A sliding minute keeps the time of each call in it.
MAX_PER_MINUTE = 100_000

# Column → its name and kind in an execution's limits, of those that the engine enforces.
ENGINE_LIMITS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "timeout_seconds": ("seconds", float),
    "max_model_calls": ("model_calls", int),
    "max_tokens": ("tokens", int),
    "max_cost_usd": ("cost_usd", float),
    "max_output_bytes": ("output_bytes", int),
    "max_memory_mb": ("memory_mb", int),
    "max_tool_calls": ("tool_calls", int),
}


class RunLimits(models.Model):
    """Limits of each run of a deployment."""

    timeout_seconds = models.PositiveIntegerField(
        "time limit (s)",
        default=600,
        validators=between(1, 86_400),
        help_text="A run that takes longer is stopped as timed out.",
    )
    wait_seconds = models.PositiveIntegerField(
        "synchronous wait (s)",
        default=60,
        validators=between(0, 600),
        help_text="After this the caller gets 202 and the run continues.",
    )
    max_model_calls = models.PositiveIntegerField(
        "max model calls", null=True, blank=True, validators=between(0, 1_000_000)
    )
    max_tool_calls = models.PositiveIntegerField(
        "max tool calls",
        null=True,
        blank=True,
        validators=between(0, 100_000),
        help_text="Beyond it agents answer with what they have. Empty: 200.",
    )
    max_tokens = models.PositiveIntegerField(
        "max tokens", null=True, blank=True, validators=between(0, MAX_COUNT)
    )
    max_cost_usd = models.DecimalField(
        "max cost (USD)",
        max_digits=10,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0))],
    )
    max_input_bytes = models.PositiveIntegerField(
        "max input size (bytes)", null=True, blank=True, validators=between(1, MAX_BYTES)
    )
    max_output_bytes = models.PositiveIntegerField(
        "max result size (bytes)", null=True, blank=True, validators=between(1, MAX_BYTES)
    )
    max_memory_mb = models.PositiveIntegerField(
        "max memory (MB)",
        null=True,
        blank=True,
        validators=between(16, 1_000_000),
        help_text="Each run then gets its own process.",
    )

    class Meta:
        abstract = True

    def engine_limits(self) -> dict[str, Any]:
        """Limits that the engine enforces, by its own names; without those that are not set."""
        return {
            name: kind(getattr(self, column))
            for column, (name, kind) in ENGINE_LIMITS.items()
            if getattr(self, column) is not None
        }


class CallLimits(models.Model):
    """Limits of the calls of a deployment, over all callers, or of a key."""

    max_concurrent = models.PositiveIntegerField(
        "max concurrent runs",
        null=True,
        blank=True,
        validators=between(1, 100_000),
        help_text="Extra synchronous calls are rejected; asynchronous ones queue.",
    )
    requests_per_minute = models.PositiveIntegerField(
        "max calls a minute",
        null=True,
        blank=True,
        validators=between(1, MAX_PER_MINUTE),
        help_text="In any 60 seconds. Empty: no limit.",
    )
    requests_per_day = models.PositiveIntegerField(
        "max calls a day",
        null=True,
        blank=True,
        validators=between(1, MAX_COUNT),
        help_text="By UTC. Empty: no limit.",
    )

    class Meta:
        abstract = True


RUN_LIMITS = tuple(column.name for column in RunLimits._meta.local_fields)
CALL_LIMITS = tuple(column.name for column in CallLimits._meta.local_fields)
# Of a deployment, as pages and the admin group them.
LIMIT_GROUPS = {"Limits of a run": RUN_LIMITS, "Limits of calls": CALL_LIMITS}
LIMITS = (*RUN_LIMITS, *CALL_LIMITS)
