"""A journal that keeps the steps of one run in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from executor.engine.journal import StepResult, completed, failed


class MemoryJournal:
    def __init__(self, steps: dict[str, StepResult] | None = None) -> None:
        self.steps = dict(steps or {})
        self.intended: Counter[str] = Counter()

    def recall(self, key: str) -> StepResult | None:
        return completed(self.steps.get(key))

    def recall_failed(self, key: str) -> StepResult | None:
        return failed(self.steps.get(key))

    def recorded(self) -> Iterable[StepResult]:
        return self.steps.values()

    async def intend(self, key: str, tool: str) -> int:
        self.intended[key] += 1
        return self.intended[key]

    def intents(self, key: str) -> int:
        return self.intended[key]

    def record(self, step: StepResult) -> None:
        self.steps[step.key] = step
