"""All that the page of one run shows, read with the rights of its reader.

Its parts are rendered by `templates/executor/_run.html`, which other pages may embed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from designs.access import Caller
from executor.history.details import Details, details_of
from executor.history.explaining import Alike, Explained, alike, explain
from executor.history.kept import document_of
from executor.history.lost import may_play_failed
from executor.history.outputs import shown_outputs
from executor.history.quotes import PAYLOAD, hide_quotes
from executor.history.resuming import ResumePrice, resume_price
from executor.history.suggestions import suggestions_of
from executor.history.timeline import Timeline, readable, timeline
from executor.models import Execution


@dataclass(frozen=True, slots=True)
class Shown:
    """A JSON value for people: whole as `json`, and its fields as (name, text)."""

    json: str
    fields: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RunPage:
    """`chosen` is the block that is looked at, `is_picked` if the reader chose it."""

    execution: Execution
    document: Mapping[str, Any]
    timeline: Timeline
    states: dict[str, str]
    base: str
    chosen: str
    is_picked: bool
    details: Details | None
    explained: Explained | None
    alike: Alike | None
    price: ResumePrice | None
    payload_hidden: bool
    result: Shown | None
    input: Shown | None
    given: str
    has_suggestions: bool
    may_play_failed: bool
    spent_ms: int | None
    resumed_as: Any

    @property
    def used(self) -> Mapping[str, int]:
        """Model calls and tokens; of a live run those of its steps."""
        row = self.execution
        if not row.is_live:
            names = ("model_calls", "input_tokens", "output_tokens")
            return {name: getattr(row, name) for name in names}
        paid = [step.row for block in self.timeline.blocks.values() for step in block.paid]
        return {
            "model_calls": sum(step.tries for step in paid),
            "input_tokens": sum(step.input_tokens for step in paid),
            "output_tokens": sum(step.output_tokens for step in paid),
        }

    @property
    def tool_calls(self) -> int:
        """Those that were made; of a live run those of its steps."""
        if not self.execution.is_live:
            return self.execution.tool_calls or 0
        steps = (step.row for block in self.timeline.blocks.values() for step in block.steps)
        return sum(step.tool is not None and step.tries > 0 for step in steps)

    @property
    def names(self) -> dict[str, dict[str, str]]:
        """The agents' names by block."""
        return {name: block.agents for name, block in self.timeline.blocks.items()}

    @property
    def links(self) -> dict[str, str]:
        return {name: f"{self.base}{urlencode({'block': name})}" for name in self.states}

    @property
    def limits(self) -> Mapping[str, Any]:
        return self.execution.limits or {}

    @property
    def limit_ms(self) -> int | None:
        seconds = self.limits.get("seconds")
        return None if seconds is None else round(seconds * 1000)

    @property
    def waited_ms(self) -> int | None:
        """For people or for a time, with the wait that goes on; None if it never waited."""
        row = self.execution
        if row.waiting_since is None or row.completed_at is not None:
            return row.waited_ms
        now_ms = round((timezone.now() - row.waiting_since).total_seconds() * 1000)
        return (row.waited_ms or 0) + max(0, now_ms)

    @property
    def cost_limit(self) -> Decimal | None:
        limit = self.limits.get("cost_usd")
        return None if limit is None else Decimal(str(limit))


def run_page(
    execution: Execution,
    caller: Caller,
    *,
    block: str = "",
    tab: str = "",
    items: str = "",
    kept: Mapping[str, str] | None = None,
) -> RunPage:
    """Hides in the row what the caller may not see, so the row must not be saved afterwards."""
    may_see = caller.may(PAYLOAD)
    hide_quotes(caller, execution)
    times = timeline(execution, with_payloads=may_see, inside=(block, items))
    is_picked = block in times.blocks
    chosen = block if is_picked else _chosen(execution, times)
    is_there = may_see and execution.payload_removed_at is None
    details = None
    if chosen:
        details = details_of(
            execution,
            times.blocks[chosen],
            tab,
            with_payloads=is_there,
            with_settings=caller.may("designs.view_design"),
        )
    explained = explain(execution)
    return RunPage(
        execution=execution,
        document=_drawn(execution, times),
        timeline=times,
        states=times.states,
        base=f"?{urlencode(kept)}&" if kept else "?",
        chosen=chosen,
        is_picked=is_picked,
        details=details,
        explained=explained,
        alike=alike(execution, caller) if explained else None,
        price=resume_price(execution, times) if execution.is_resumable else None,
        payload_hidden=not may_see,
        result=shown(execution.result_data) if is_there else None,
        input=shown(execution.input_data) if is_there else None,
        given=_given(execution) if is_there else "",
        may_play_failed=may_play_failed(execution),
        has_suggestions=is_there and not execution.is_live and bool(suggestions_of(execution)),
        spent_ms=_spent_ms(execution),
        resumed_as=_resumed_as(execution, caller),
    )


def shown(value: Any) -> Shown | None:
    if value is None:
        return None
    fields = [("", readable(value))] if isinstance(value, str) else []
    if isinstance(value, dict):
        fields = [(str(name).replace("_", " "), readable(part)) for name, part in value.items()]
    return Shown(readable(value), fields)


def _resumed_as(execution: Execution, caller: Caller) -> Any:
    """The id of the latest run that goes on from this one."""
    if not execution.is_resumable:
        return None
    rows = Execution.objects.for_caller(caller).filter(resumed_from=execution).order_by("-id")
    return rows.values_list("pk", flat=True).first()


def _given(execution: Execution) -> str:
    return readable(shown_outputs(execution.given_outputs)) if execution.given_outputs else ""


def _drawn(execution: Execution, times: Timeline) -> Mapping[str, Any]:
    """What the run runs of its design: of a run of one block alone, only that one."""
    document = document_of(execution)
    if execution.only_block is None:
        return document
    blocks = [part for part in document.get("blocks", ()) if part["id"] in times.blocks]
    return {**document, "blocks": blocks, "connections": []}


def _chosen(execution: Execution, times: Timeline) -> str:
    """What a reader looks for first: a block that failed, runs, waits or is degraded; the end."""
    failed = (execution.error or {}).get("block_id")
    if failed in times.blocks:
        return str(failed)
    for states in (("failed", "timed_out"), ("running",), ("waiting",), ("degraded",)):
        if found := [name for name, state in times.states.items() if state in states]:
            return found[0]
    ended = [b for b in times.blocks.values() if b.state == "completed"]
    by_agents = [block for block in ended if block.agents]
    if by_agents or ended:
        return (by_agents or ended)[-1].block_id
    return next(iter(times.blocks), "")


def _spent_ms(execution: Execution) -> int | None:
    """Since the first attempt began, to the end or until now, without what it waited."""
    if execution.started_at is None:
        return None
    # One that waits, or was ended while it did, has done nothing since.
    end = execution.waiting_since or execution.completed_at or timezone.now()
    spent = round((end - execution.started_at).total_seconds() * 1000)
    return max(0, spent - (execution.waited_ms or 0))
