"""Shapes of executions in the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from designs.access import Caller
from designs.api.base import StrictSerializer
from designs.api.lists import weigh
from designs.rows.bounded import fill_page
from executor.api.request_serializers import WaitingForOut
from executor.decisions import waiting_for
from executor.following.answers import usage_of
from executor.history.outputs import shown_outputs
from executor.history.quotes import (
    PAYLOAD,
    error_without_quotes,
    failures_without_quotes,
    reasons_without_quotes,
)
from executor.models import BlockResult, Execution, Status, Step, Trigger


class RerunIn(StrictSerializer):
    """Which version is to run: the same as before, or the design's newest."""

    version = serializers.ChoiceField(choices=("same", "newest"), default="same")
    input_data = serializers.JSONField(
        allow_null=True, default=None, help_text="Another input, an object; null: the same one."
    )

    def validate_input_data(self, value: Any) -> Any:
        if value is not None and not isinstance(value, dict):
            raise serializers.ValidationError("The input must be a JSON object.")
        return value


class ResumeIn(StrictSerializer):
    """From which block on, and what it gets instead of what its sources delivered."""

    block = serializers.CharField(max_length=64, allow_null=True, default=None)
    given = serializers.DictField(
        child=serializers.JSONField(allow_null=True),
        default=dict,
        help_text="Only with `block`: outputs by id of the blocks that are connected to it.",
    )
    only = serializers.ChoiceField(
        ["failed"],
        allow_null=True,
        default=None,
        help_text="`failed`: also of a completed execution, what failed and what depends on it.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["only"] and attrs["block"] is not None:
            raise serializers.ValidationError({"only": ["Give `only` or a `block`, not both."]})
        if attrs["given"] and attrs["block"] is None:
            raise serializers.ValidationError({"given": ["Name the `block` that is to get this."]})
        return attrs


class AcceptedOut(serializers.Serializer[Any]):
    """The answer for a run that continues: where to poll for its result."""

    execution_id = serializers.CharField()
    log_id = serializers.UUIDField()
    status = serializers.ChoiceField(choices=Status.choices)
    status_url = serializers.CharField()
    waiting_for = WaitingForOut(
        many=True, required=False, help_text="Of a run that waits: for what."
    )


class UsageOut(serializers.Serializer[Any]):
    model_calls = serializers.IntegerField()
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    cost_usd = serializers.FloatField(allow_null=True)
    tool_calls = serializers.IntegerField()


NO_USAGE = {
    "model_calls": 0, "input_tokens": 0, "output_tokens": 0, "cost_usd": None, "tool_calls": 0,
}  # fmt: skip


class RunErrorOut(serializers.Serializer[Any]):
    """`class` is a word for machines, `message` a sentence for people."""

    message = serializers.CharField()
    block_id = serializers.CharField(allow_null=True)
    step = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"class": serializers.CharField(), **super().get_fields()}


class ExecutionOut(serializers.Serializer[Execution]):
    """One entry of the execution log. Without the right to see payloads they are null."""

    id = serializers.UUIDField()
    deployment_id = serializers.UUIDField(allow_null=True)
    design_id = serializers.UUIDField()
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    only = serializers.CharField(
        source="only_block",
        allow_null=True,
        help_text="The only block that runs, by its id; null if the whole design does.",
    )
    execution_id = serializers.CharField(source="public_id")
    status = serializers.ChoiceField(choices=Status.choices)
    degraded = serializers.BooleanField()
    degraded_reasons = serializers.ListField(child=serializers.CharField())
    trigger_type = serializers.ChoiceField(choices=Trigger.choices)
    triggered_by = serializers.CharField()
    input_data = serializers.JSONField(allow_null=True)
    result_data = serializers.JSONField(allow_null=True)
    error = RunErrorOut(allow_null=True)
    cause = serializers.CharField(
        allow_null=True,
        help_text="Of a run that failed or timed out: `class model type`, the same for all that "
        "failed like it. The list can be filtered by it.",
    )
    cause_label = serializers.CharField(help_text="The cause in words; empty without one.")
    payload_hidden = serializers.SerializerMethodField()
    payload_removed_at = serializers.DateTimeField(
        allow_null=True, help_text="When retention removed its texts; they are null since."
    )
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(
        allow_null=True, help_text="From the start to the end, without `waited_ms`."
    )
    waited_ms = serializers.IntegerField(
        allow_null=True, help_text="How long it has waited for people or for a time; null: never."
    )
    usage = serializers.SerializerMethodField()
    rerun_of = serializers.UUIDField(source="rerun_of_id", allow_null=True)
    resumed_from = serializers.UUIDField(source="resumed_from_id", allow_null=True)

    PAYLOADS = ("input_data", "result_data")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Hidden columns are not even read."""
        hidden = self.PAYLOADS if "caller" in self.context and self.hides else ()
        return {name: field for name, field in super().get_fields().items() if name not in hidden}

    @property
    def hides(self) -> bool:
        return not self.context["caller"].may(PAYLOAD)

    def get_payload_hidden(self, execution: Execution) -> bool:
        return self.hides

    @extend_schema_field(UsageOut)
    def get_usage(self, execution: Execution) -> dict[str, Any]:
        return usage_of(execution)

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        data = super().to_representation(instance)
        if self.hides:
            data.update(dict.fromkeys(self.PAYLOADS))
            data["error"] = error_without_quotes(data["error"])
            data["degraded_reasons"] = reasons_without_quotes(data["degraded_reasons"])
        return data


class ProgressOut(serializers.Serializer[Any]):
    """How many items or rounds are done, how many of the items failed, and how many there are."""

    done = serializers.IntegerField()
    failed = serializers.IntegerField()
    total = serializers.IntegerField()


class BlockOut(serializers.ModelSerializer[BlockResult]):
    """The state of a block, and the usage of its steps so far."""

    output_omitted = serializers.BooleanField(
        default=False,
        help_text="It did not fit into the answer; get it by `?block=` and its id.",
    )
    taken = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="The incoming connections that brought something, by id; null: all of them.",
    )
    progress = ProgressOut(
        allow_null=True, help_text="Of a block that plays one thing many times; else null."
    )
    usage = serializers.SerializerMethodField()

    class Meta:
        model = BlockResult
        fields = (
            "output_omitted", "block_id", "status", "taken", "output", "error", "progress",
            "started_at", "completed_at", "usage",
        )  # fmt: skip

    @extend_schema_field(UsageOut)
    def get_usage(self, row: BlockResult) -> dict[str, Any]:
        usage: dict[str, dict[str, Any]] = self.context["usage"]
        return usage.get(row.block_id, NO_USAGE)


# The limits of one answer.
MAX_BLOCKS = 1_000
MAX_LISTED_STEPS = 100


class FailureOut(serializers.Serializer[Any]):
    """A try without an answer: `class` is a word for machines, `message` a sentence. It took `ms`
    (null if nothing was sent), and the next one began after `next_ms` (null if there is none).
    `status` is the server's HTTP status, if it refused.
    """

    model = serializers.CharField()
    message = serializers.CharField()
    at = serializers.DateTimeField()
    ms = serializers.IntegerField(required=False, allow_null=True)
    next_ms = serializers.IntegerField(required=False, allow_null=True)
    status = serializers.IntegerField(required=False, allow_null=True)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"class": serializers.CharField(), **super().get_fields()}


class StepOut(serializers.ModelSerializer[Step]):
    """`tries` are the calls that were sent; tokens and cost are those of all of them."""

    text = serializers.CharField(allow_null=True)
    failures = serializers.SerializerMethodField()
    tool = serializers.CharField(
        allow_null=True, help_text="The tool that was called; null if this is no call of one."
    )
    calls = serializers.JSONField(
        allow_null=True,
        help_text="Of a model's answer that calls tools: `id`, `name` and `arguments` of each.",
    )
    arguments = serializers.SerializerMethodField(
        help_text="What the tool was called with; a text if the model gave no object."
    )
    is_error = serializers.SerializerMethodField(
        help_text="Whether the tool answered with an error, or was not called; null for a model."
    )

    class Meta:
        model = Step
        fields = (
            "key", "block_id", "agent_id", "round_number", "purpose", "model", "status", "prompt",
            "text", "output", "finish_reason", "input_tokens", "output_tokens", "is_estimated",
            "cost_usd", "tries", "failures", "started_at", "finished_at", "duration_ms", "tool",
            "calls", "arguments", "is_error",
        )  # fmt: skip

    PAYLOADS = ("prompt", "text", "output", "calls", "arguments")

    @property
    def hides(self) -> bool:
        return "caller" in self.context and not self.context["caller"].may(PAYLOAD)

    def get_fields(self) -> dict[str, Any]:
        """Hidden columns are not even read."""
        hidden = self.PAYLOADS if self.hides else ()
        return {name: field for name, field in super().get_fields().items() if name not in hidden}

    @extend_schema_field(FailureOut(many=True))
    def get_failures(self, step: Step) -> list[dict[str, Any]]:
        return failures_without_quotes(step.failures) if self.hides else list(step.failures)

    @extend_schema_field(serializers.JSONField(allow_null=True))
    def get_arguments(self, step: Step) -> Any:
        return step.prompt if step.tool is not None else None

    @extend_schema_field(serializers.BooleanField(allow_null=True))
    def get_is_error(self, step: Step) -> bool | None:
        return step.is_tool_error

    def to_representation(self, instance: Step) -> dict[str, Any]:
        data = super().to_representation(instance)
        if self.hides:
            data.update(dict.fromkeys(self.PAYLOADS))
        return data


def steps_for(caller: Caller, execution: Execution) -> tuple[QuerySet[Step], tuple[str, ...]]:
    """The steps in order, without columns that the caller may not see, and the large columns."""
    rows = execution.steps.order_by("pk")
    large = ("prompt", "text", "output", "calls", "said")
    if caller.may(PAYLOAD):
        return rows.defer("said"), large[:-1]
    return rows.defer(*large), ()


class ExecutionDetailOut(ExecutionOut):
    """An execution with its blocks and steps."""

    waiting_for = serializers.SerializerMethodField()
    given = serializers.SerializerMethodField(
        help_text="For `only`: the outputs that its blocks upstream were given."
    )
    blocks = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    steps_next = serializers.SerializerMethodField(
        help_text="The URL of further steps that did not fit into this answer, or null."
    )
    edited_block = serializers.SerializerMethodField(
        help_text="The block from which a resumed run went on, by its id; null: where it failed."
    )
    caller_address = serializers.CharField(
        allow_null=True,
        help_text="The address of the call; null without the right to the audit.",
    )
    key_id = serializers.UUIDField(
        allow_null=True, help_text="The API key of the call; hidden like `caller_address`."
    )

    @extend_schema_field(WaitingForOut(many=True))
    def get_waiting_for(self, execution: Execution) -> list[dict[str, Any]]:
        return waiting_for(execution.pk) if execution.status == Status.WAITING else []

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_edited_block(self, execution: Execution) -> str | None:
        return (execution.edited or {}).get("block")

    @extend_schema_field(serializers.DictField(allow_null=True))
    def get_given(self, execution: Execution) -> dict[str, Any] | None:
        return None if self.hides else shown_outputs(execution.given_outputs)

    @extend_schema_field(BlockOut(many=True))
    def get_blocks(self, execution: Execution) -> list[dict[str, Any]]:
        blocks = execution.blocks.defer("by_agent").order_by("pk")
        if self.context.get("block"):
            blocks = blocks.filter(block_id=self.context["block"])
        context = {"usage": execution.steps.usage_by_block()}
        entries: list[dict[str, Any]] = []
        if not self.hides:
            keys, entries, has_more = fill_page(
                blocks,
                limit=MAX_BLOCKS,
                large=("output",),
                show=lambda rows: [
                    dict(row) for row in BlockOut(rows, many=True, context=context).data
                ],
                weigh=weigh,
            )
            blocks = blocks.filter(pk__gt=keys[-1]) if has_more else blocks.none()
        # The others without their output, as it is hidden or the answer has no room for it.
        rest = list(blocks.defer("output"))
        for block in rest:
            block.output = None
        for entry in BlockOut(rest, many=True, context=context).data:
            error = error_without_quotes(entry["error"]) if self.hides else entry["error"]
            entries.append({**entry, "error": error, "output_omitted": not self.hides})
        return entries

    @extend_schema_field(StepOut(many=True))
    def get_steps(self, execution: Execution) -> list[dict[str, Any]]:
        rows, large = steps_for(self.context["caller"], execution)
        if self.context.get("block"):
            rows = rows.filter(block_id=self.context["block"])
        _, steps, self._has_more_steps = fill_page(
            rows,
            limit=MAX_LISTED_STEPS,
            large=large,
            show=lambda page: list(StepOut(page, many=True, context=self.context).data),
            weigh=weigh,
        )
        self._step_count = len(steps)
        return steps

    def get_steps_next(self, execution: Execution) -> str | None:
        if not self._has_more_steps or self.context.get("block"):
            return None
        return f"/api/executions/{execution.pk}/steps?offset={self._step_count}"

    def to_representation(self, instance: Execution) -> dict[str, Any]:
        data = super().to_representation(instance)
        if not self.context["caller"].may("designs.view_auditentry"):
            data.update(dict.fromkeys(("caller_address", "key_id")))
        return data
