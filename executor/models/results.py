"""The parts of an execution: results of its blocks, and their steps."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce, StrIndex, Substr

from designs.models.json import StoredJsonField
from executor.models.execution import Execution


class BlockStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    COMPLETED = "completed", "Completed"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


class BlockResult(models.Model):
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="blocks")
    block_id = models.CharField(max_length=250)
    status = models.CharField(
        max_length=10, choices=BlockStatus.choices, default=BlockStatus.PENDING
    )
    output = StoredJsonField(null=True)
    # Of its agents whose outputs connections read, those outputs; null if there are none.
    by_agent = StoredJsonField(null=True)
    error = models.JSONField(null=True)
    # Of a block that plays one thing many times: how many are `done`, `failed`, and there in
    # `total`; else null.
    progress = models.JSONField(null=True)
    # The ids of the incoming connections that brought something; null if all of them did.
    taken = models.JSONField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(
                fields=("execution", "block_id"), name="blockresult_execution_block"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.block_id} ({self.status})"


class StepStatus(models.TextChoices):
    COMPLETED = "completed", "Completed"
    FAILED = "failed", "Failed"


_END = StrIndex("block_id", models.Value(">"))
_NUMBER = StrIndex("block_id", models.Value("["))
# The run's own block of a step, see `root_block`.
ROOT_BLOCK = models.Case(
    models.When(block_id__regex=r"^[^>]*\[", then=Substr("block_id", 1, _NUMBER - 1)),
    models.When(block_id__contains=">", then=Substr("block_id", 1, _END - 1)),
    default=models.F("block_id"),
)


class StepQuerySet(models.QuerySet["Step"]):
    def usage_by_block(self) -> dict[str, dict[str, Any]]:
        """Calls, tokens and cost by block id, of the blocks that called a model or a tool,
        themselves or in what they played.
        """
        is_tool = Q(tool__isnull=False)
        sums = (
            self.filter(is_tool | ~Q(model=""))
            .order_by()
            .values(root=ROOT_BLOCK)
            .annotate(
                calls=Coalesce(Sum("tries", filter=~is_tool), 0),
                made=Count("pk", filter=is_tool & Q(tries__gt=0)),
                sum_input=Sum("input_tokens"),
                sum_output=Sum("output_tokens"),
                cost=Sum("cost_usd"),
            )
        )
        return {
            row["root"]: {
                "model_calls": row["calls"],
                "input_tokens": row["sum_input"],
                "output_tokens": row["sum_output"],
                "cost_usd": None if row["cost"] is None else float(row["cost"]),
                "tool_calls": row["made"],
            }
            for row in sums
        }


class Step(models.Model):
    """One model call, tool call, or utility block: written before anything that depends on it
    starts.

    Tokens and cost are those of all its tries. Another attempt repeats a failed step; the new row
    replaces the old one and includes its usage.
    """

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=250)
    block_id = models.CharField(max_length=250)
    agent_id = models.CharField(max_length=64, blank=True)
    round_number = models.PositiveIntegerField(default=1)
    purpose = models.CharField(max_length=64)
    model = models.CharField(max_length=200, blank=True)
    prompt = StoredJsonField(null=True, encoder=DjangoJSONEncoder)
    text = models.TextField(blank=True)
    output = StoredJsonField(null=True)
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    cost_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True)
    # Calls that were sent, answered or not.
    tries = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(
        max_length=10, choices=StepStatus.choices, default=StepStatus.COMPLETED
    )
    # As in the OpenAI protocol; `length`: the answer was cut off. Of a call of a tool `stop`, or
    # `error`.
    finish_reason = models.CharField(max_length=40, blank=True)
    # True if the server did not count some of the tokens.
    is_estimated = models.BooleanField(default=False)
    # Of each try without an answer: `model`, `class`, `message`, `at`, and in newer rows `ms` and
    # `next_ms`.
    failures = models.JSONField(default=list)
    # The tool that was called, as `connection.name`; null if this is no call of a tool.
    tool = models.CharField(max_length=250, null=True)  # noqa: DJ001 - see Execution.settles
    # Of a model's answer that calls tools: `id`, `name` and `arguments` of each call, and the
    # provider's own message, which goes back to that provider alone.
    calls = StoredJsonField(null=True)
    said = StoredJsonField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("execution", "key"), name="step_execution_key"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_tool_error(self) -> bool | None:
        return None if self.tool is None else self.finish_reason == "error"

    @property
    def is_failed(self) -> bool:
        return self.status == StepStatus.FAILED

    @property
    def was_cut_off(self) -> bool:
        return self.finish_reason == "length"

    @property
    def duration_ms(self) -> int:
        return max(0, round((self.finished_at - self.started_at).total_seconds() * 1000))
