"""What an execution consists of: results of its blocks, and each step that was paid for."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from designs.models.json import StoredJsonField
from executor.models.execution import Execution


class BlockStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    RUNNING = "running", "Running"
    COMPLETED = "completed", "Completed"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"


class BlockResult(models.Model):
    """How one block of an execution ended, or how far it is."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="blocks")
    block_id = models.CharField(max_length=64)
    status = models.CharField(
        max_length=10, choices=BlockStatus.choices, default=BlockStatus.PENDING
    )
    output = StoredJsonField(null=True)
    error = models.JSONField(null=True)
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


class Step(models.Model):
    """One finished model call, or one utility block: written before anything that depends on it
    starts.
    """

    id = models.BigAutoField(primary_key=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=250)
    block_id = models.CharField(max_length=64)
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
    tries = models.PositiveSmallIntegerField(default=1)
    attempt = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = [
            models.UniqueConstraint(fields=("execution", "key"), name="step_execution_key"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def duration_ms(self) -> int:
        return max(0, round((self.finished_at - self.started_at).total_seconds() * 1000))
