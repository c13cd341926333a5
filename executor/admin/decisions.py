"""The read-only admin of requests to people, with their votes, and of intents to call tools."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly, ReadOnlyInline
from designs.admin.shown import EMPTY, folded, json_block, row_link, state_badge
from designs.requests import PageRequest
from executor.admin.parts import EXECUTION_COLUMNS, PartAdmin, without_payload
from executor.models import DecisionRequest, RequestStatus, ToolIntent, Vote
from executor.models.decision import VIEW

_SIGNS = {
    RequestStatus.OPEN: "waiting",
    RequestStatus.APPROVED: "completed",
    RequestStatus.REJECTED: "failed",
    RequestStatus.TIMED_OUT: "timed_out",
    RequestStatus.WITHDRAWN: "cancelled",
}


class VoteInline(ReadOnlyInline):
    model = Vote
    fields = ("username", "verdict", "reason", "filled_in", "at", "address")
    verbose_name_plural = "Votes"
    per_page = 50

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, ("filled_in",))

    @display(description="Filled in")
    def filled_in(self, vote: Vote) -> str:
        return EMPTY if vote.answers is None else folded("Answers", vote.answers)


@admin.register(DecisionRequest)
class DecisionRequestAdmin(ReadOnly, OrchestraAdmin):
    show_add_link = False
    list_display = ("asked", "state", "kind", "group", "execution_link", "due_at", "decided_at")
    list_filter = (("status", ChoicesCheckboxFilter), ("kind", ChoicesCheckboxFilter))
    list_select_related = ("execution",)
    search_fields = ("question", "group", "block_id", "tool")
    ordering = ("-id",)
    deferred_in_lists = ("shown", "form", "answer", *EXECUTION_COLUMNS)
    PAYLOADS = ("shown_text", "answer_text")
    fields = (
        "question", "state", "kind", "execution_link", "key", "block_id", "agent_id", "tool",
        "group", "required", "allows_self", "needs_reason", "due_at", "on_due", "created_at",
        "decided_at", "told_at", "form_text", *PAYLOADS,
    )  # fmt: skip
    inlines = (VoteInline,)

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows.for_caller(caller) if caller.may(VIEW) else rows.none()

    def get_fields(self, request: PageRequest, obj: Any = None) -> list[str]:
        return without_payload(request, self.fields, self.PAYLOADS)

    @display(description="Question")
    def asked(self, row: DecisionRequest) -> str:
        return str(row) or EMPTY

    @display(description="State", ordering="status")
    def state(self, row: DecisionRequest) -> str:
        return state_badge(_SIGNS[RequestStatus(row.status)], row.get_status_display())

    @display(description="Execution")
    def execution_link(self, row: DecisionRequest) -> str:
        return EMPTY if row.execution is None else row_link(row.execution, row.execution.public_id)

    @display(description="Shown")
    def shown_text(self, row: DecisionRequest) -> str:
        return json_block(row.shown)

    @display(description="Form")
    def form_text(self, row: DecisionRequest) -> str:
        return json_block(row.form)

    @display(description="Answer")
    def answer_text(self, row: DecisionRequest) -> str:
        return json_block(row.answer)


@admin.register(ToolIntent)
class ToolIntentAdmin(PartAdmin):
    permission = "executor.view_toolintent"
    list_display = ("key", "number", "tool", "execution_link", "created_at")
    list_select_related = ("execution",)
    search_fields = ("key", "tool")
    ordering = ("-id",)
    deferred_in_lists = EXECUTION_COLUMNS
    fields = ("execution_link", "key", "number", "tool", "created_at")
