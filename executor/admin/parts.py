"""The read-only admin of the parts of executions: results of blocks, and steps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly, ReadOnlyInline
from designs.admin.shown import folded, json_block, row_link
from designs.requests import PageRequest
from executor.admin.shown import cost, duration, status_badge
from executor.history.quotes import PAYLOAD
from executor.models import BlockResult, Execution, Step


def without_payload(request: PageRequest, fields: Any, hidden: tuple[str, ...]) -> list[str]:
    may_see = request.caller.may(PAYLOAD)
    return [name for name in fields if may_see or name not in hidden]


class BlockColumns:
    @display(description="Status", ordering="status")
    def state(self, row: BlockResult) -> str:
        return status_badge(row)

    @display(description="Duration")
    def took(self, row: BlockResult) -> str:
        if row.started_at is None or row.completed_at is None:
            return duration(None)
        return duration(round((row.completed_at - row.started_at).total_seconds() * 1000))

    @display(description="Error")
    def error_message(self, row: BlockResult) -> str:
        return str((row.error or {}).get("message", ""))


class StepColumns:
    @display(description="Agent")
    def agent(self, step: Step) -> str:
        return step.agent_id

    @display(description="Tokens in / out", ordering="input_tokens")
    def tokens(self, step: Step) -> str:
        return f"{step.input_tokens:,} / {step.output_tokens:,}"

    @display(description="Cost", ordering="cost_usd")
    def cost(self, step: Step) -> str:
        return cost(step.cost_usd)

    @display(description="Status", ordering="status")
    def state(self, step: Step) -> str:
        return status_badge(step)

    @display(description="Duration")
    def took(self, step: Step) -> str:
        return duration(step.duration_ms)


class BlockResultInline(BlockColumns, ReadOnlyInline):
    model = BlockResult
    fields = ("block_id", "state", "started_at", "took", "error_message", "output_text")
    verbose_name_plural = "Blocks"
    per_page = 50

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, ("error_message", "output_text"))

    @display(description="Output")
    def output_text(self, row: BlockResult) -> str:
        return folded("Output", row.output)


class StepInline(StepColumns, ReadOnlyInline):
    model = Step
    fields = (
        "step", "state", "agent", "round_number", "purpose", "model", "tokens", "cost", "took",
        "answer",
    )  # fmt: skip
    verbose_name_plural = "Steps"
    per_page = 25

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, ("answer",))

    @display(description="Step")
    def step(self, step: Step) -> str:
        return row_link(step, step.key)

    @display(description="Answer")
    def answer(self, step: Step) -> str:
        return folded("Answer", step.text or step.output)


class PartAdmin(ReadOnly, OrchestraAdmin):
    """Parts of the executions that the caller may see."""

    permission = ""
    show_add_link = False

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        if not caller.may(self.permission):
            return rows.none()
        if caller.is_superuser:
            return rows
        return rows.filter(execution__in=Execution.objects.for_caller(caller).order_by())

    @display(description="Execution")
    def execution_link(self, row: Any) -> str:
        return row_link(row.execution, row.execution.public_id)


EXECUTION_COLUMNS = ("execution__document", "execution__input_data", "execution__result_data")


@admin.register(BlockResult)
class BlockResultAdmin(BlockColumns, PartAdmin):
    permission = "executor.view_blockresult"
    list_display = ("block_id", "state", "execution_link", "started_at", "took", "error_message")
    list_filter = (("status", ChoicesCheckboxFilter),)
    list_select_related = ("execution",)
    search_fields = ("block_id",)
    ordering = ("-id",)
    deferred_in_lists = ("output", *EXECUTION_COLUMNS)
    fields = (
        "execution_link", "block_id", "state", "started_at", "completed_at", "took",
        "error_text", "output_text",
    )  # fmt: skip

    def get_list_display(self, request: PageRequest) -> list[str]:
        return without_payload(request, self.list_display, ("error_message",))

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, ("error_text", "output_text"))

    @display(description="Error")
    def error_text(self, row: BlockResult) -> str:
        return json_block(row.error)

    @display(description="Output")
    def output_text(self, row: BlockResult) -> str:
        return json_block(row.output)


@admin.register(Step)
class StepAdmin(StepColumns, PartAdmin):
    permission = "executor.view_step"
    list_display = (
        "key", "state", "execution_link", "agent", "purpose", "model", "tokens", "cost", "took",
        "started_at",
    )  # fmt: skip
    list_filter = (("status", ChoicesCheckboxFilter), "purpose", "model")
    list_select_related = ("execution",)
    search_fields = ("key", "block_id", "agent_id", "model")
    ordering = ("-id",)
    deferred_in_lists = ("prompt", "text", "output", "failures", *EXECUTION_COLUMNS)
    PAYLOADS = ("failed_tries", "prompt_text", "answer_text", "output_text")
    fields = (
        "execution_link", "key", "state", "block_id", "agent", "round_number", "purpose", "model",
        "finish_reason", "tokens", "is_estimated", "cost", "tries", "attempt", "started_at",
        "finished_at", "took", *PAYLOADS,
    )  # fmt: skip

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, self.PAYLOADS)

    @display(description="Tries that failed")
    def failed_tries(self, step: Step) -> str:
        return json_block(step.failures)

    @display(description="Prompt")
    def prompt_text(self, step: Step) -> str:
        return json_block(step.prompt)

    @display(description="Answer")
    def answer_text(self, step: Step) -> str:
        return json_block(step.text)

    @display(description="Output")
    def output_text(self, step: Step) -> str:
        return json_block(step.output)
