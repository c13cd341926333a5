"""The admin of the ledger: each planned time and its outcome. Read-only."""

from __future__ import annotations

from django.contrib import admin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import display

from deployments.models import Occurrence
from deployments.schedules.admin.schedule import BEAT_ROWS
from deployments.schedules.store import describe
from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import TimeRangeFilter, VisibleFilter
from designs.admin.shown import EMPTY, badge, row_link, state_badge
from executor.history.durations import as_duration

KINDS = {
    Occurrence.Outcome.WAITING: "info",
    Occurrence.Outcome.RAN: "success",
    Occurrence.Outcome.SKIPPED_OVERLAP: "warning",
    Occurrence.Outcome.SKIPPED_MISFIRE: "danger",
    Occurrence.Outcome.SKIPPED_INACTIVE: "",
    Occurrence.Outcome.SKIPPED_EXCLUDED: "",
    Occurrence.Outcome.COALESCED: "info",
}
WORDS = {
    Occurrence.Outcome.WAITING: "Waits",
    Occurrence.Outcome.RAN: "Ran",
    Occurrence.Outcome.SKIPPED_OVERLAP: "Skipped: overlap",
    Occurrence.Outcome.SKIPPED_MISFIRE: "Skipped: missed",
    Occurrence.Outcome.SKIPPED_INACTIVE: "Skipped: inactive",
    Occurrence.Outcome.SKIPPED_EXCLUDED: "Skipped: calendar",
    Occurrence.Outcome.COALESCED: "Taken together",
}


@admin.register(Occurrence)
class OccurrenceAdmin(ReadOnly, OrchestraAdmin):
    list_display = (
        "due_at", "deployment_link", "schedule_words", "outcome_badge", "policy", "delay",
        "execution_link", "execution_state",
    )  # fmt: skip
    list_filter = (
        ("outcome", ChoicesCheckboxFilter),
        ("schedule__deployment", VisibleFilter),
        ("schedule", VisibleFilter),
        ("due_at", TimeRangeFilter),
    )
    list_select_related = (
        "schedule__deployment", "execution", *(f"schedule__{name}" for name in BEAT_ROWS),
    )  # fmt: skip
    search_fields = ("schedule__deployment__endpoint_path",)
    date_hierarchy = "due_at"
    deferred_in_lists = (
        "execution__document", "execution__input_data", "execution__result_data",
    )  # fmt: skip
    fields = (
        "due_at", "deployment_link", "schedule_words", "outcome_badge", "outcome", "policy",
        "calendar_name", "delay", "execution_link", "execution_state", "start_at", "decided_at",
        "created_at",
    )  # fmt: skip

    @display(description="Deployment", ordering="schedule__deployment__endpoint_path")
    def deployment_link(self, occurrence: Occurrence) -> str:
        return row_link(occurrence.schedule.deployment)

    @display(description="Schedule")
    def schedule_words(self, occurrence: Occurrence) -> str:
        words = describe(occurrence.schedule)["words"]
        return row_link(occurrence.schedule, words or "Error")

    @display(description="Outcome", ordering="outcome")
    def outcome_badge(self, occurrence: Occurrence) -> str:
        outcome = Occurrence.Outcome(occurrence.outcome)
        return badge(WORDS[outcome], KINDS[outcome])

    @display(description="Start delay")
    def delay(self, occurrence: Occurrence) -> str:
        delay = occurrence.start_delay
        return EMPTY if delay is None else as_duration(max(0, round(delay.total_seconds() * 1000)))

    @display(description="Execution")
    def execution_link(self, occurrence: Occurrence) -> str:
        execution = occurrence.execution
        return EMPTY if execution is None else row_link(execution, execution.short_id)

    @display(description="Its status")
    def execution_state(self, occurrence: Occurrence) -> str:
        execution = occurrence.execution
        if execution is None:
            return EMPTY
        return state_badge(execution.status, execution.get_status_display())
