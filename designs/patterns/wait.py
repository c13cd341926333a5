"""Wait: the run goes on after some time, or at a time; meanwhile it holds nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field

from designs.graph.bounds import Questions
from designs.graph.fixes import fix, remove_value, set_value
from designs.graph.labels import one_of, shown
from designs.graph.report import excerpt
from designs.graph.spec import Block, Problem, Source
from designs.patterns.base import (
    BlockFailed,
    BlockOutput,
    Need,
    Pattern,
    RunContext,
    Settings,
)
from designs.patterns.shapes import ANY, object_with

MAX_SECONDS = 2_592_000


class WaitSettings(Settings):
    """One of the two: a number of seconds, or a JMESPath whose value is a time."""

    model_config = ConfigDict(
        json_schema_extra=one_of("Waits", {"seconds": "for a while", "until": "until a time"})
    )

    seconds: float | None = Field(
        default=None,
        ge=0,
        le=MAX_SECONDS,
        title="Seconds",
        description="How many seconds it waits, up to 30 days.",
        json_schema_extra=shown(help="Up to 2,592,000, which are 30 days."),
    )
    until: str | None = Field(
        default=None,
        title="Until",
        description="A JMESPath expression whose value is a time, as `2026-12-01T09:00:00Z`.",
        json_schema_extra=shown(
            kind="expression", help="Its value is a time with its zone, as `2026-12-01T09:00:00Z`."
        ),
    )


class Wait(Pattern[WaitSettings]):
    """The output is `{waited_seconds}`."""

    type = "wait"
    label = "Wait"
    summary = "Lets the run go on later: after some time, or at a time. No agents, no model."
    settings_type = WaitSettings
    roles = frozenset()
    min_agents = 0
    max_agents = 0
    is_about_time = True
    new_settings = {"seconds": 60}
    unused_fields = frozenset({"task", "agents", "timeout_seconds", "retries"})
    output = object_with(waited_seconds=ANY)

    def sources(self, settings: WaitSettings) -> Iterable[Source]:
        if settings.until is not None:
            yield Source("/settings/until", settings.until, is_template=False)

    def check(self, block: Block, settings: WaitSettings) -> Iterable[Problem]:
        if settings.seconds is None and settings.until is None:
            yield Problem(
                "/settings",
                "Give a wait its `seconds` or its `until`.",
                fix("Wait for a minute", set_value("/settings", dict(self.new_settings))),
            )
        if settings.seconds is not None and settings.until is not None:
            yield Problem("/settings", "A wait has `seconds` or `until`. Remove one of them.")
        if block.task.strip():
            yield Problem(
                "/task",
                "A wait asks nobody, so it has no task.",
                fix("Remove the task", remove_value("/task")),
            )

    def most_calls(self, block: Block, settings: WaitSettings) -> Iterable[Questions]:
        return ()

    async def run(self, block: Block, settings: WaitSettings, context: RunContext) -> BlockOutput:
        if settings.until is None:
            due_at = context.now() + (settings.seconds or 0.0)
        else:
            due_at = _time_of(settings.until, await context.compute(settings.until))
        need = Need(f"{block.id}/-/1/until", "time", block.id, due_at=due_at)
        waited = await context.wait_for(need)
        return BlockOutput({"waited_seconds": waited["waited_seconds"]})


def _time_of(expression: str, value: Any) -> float:
    """Seconds since the epoch. Raises BlockFailed."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.timestamp()
    except (TypeError, ValueError, OverflowError):
        pass
    raise BlockFailed(
        f"`{excerpt(expression)}` gives `{excerpt(str(value))}`, and a time with its zone is "
        "needed, as `2026-12-01T09:00:00Z`."
    )
