"""A journal that keeps the steps of one run in memory."""

from __future__ import annotations

from collections.abc import Iterable

from executor.engine.journal import StepResult, completed, failed


class MemoryJournal:
    def __init__(self, steps: dict[str, StepResult] | None = None) -> None:
        self.steps = dict(steps or {})

    def recall(self, key: str) -> StepResult | None:
        return completed(self.steps.get(key))

    def recall_failed(self, key: str) -> StepResult | None:
        return failed(self.steps.get(key))

    def recorded(self) -> Iterable[StepResult]:
        return self.steps.values()

    def record(self, step: StepResult) -> None:
        self.steps[step.key] = step
