"""The time that the figures are of: hours of a day, or days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone

from executor.models import DailyTotals, HourlyTotals
from executor.models.totals import start_of_hour


@dataclass(frozen=True)
class Window:
    """`steps` of one length, the last of which is going on. `words` follow "Last"."""

    key: str
    words: str
    steps: int
    step: timedelta

    @property
    def is_by_hour(self) -> bool:
        return self.step < timedelta(days=1)

    @property
    def totals(self) -> Any:
        return HourlyTotals if self.is_by_hour else DailyTotals

    @cached_property
    def starts(self) -> Sequence[datetime]:
        """When each step begins."""
        now = timezone.now().astimezone(UTC)
        last = start_of_hour(now) if self.is_by_hour else now.replace(hour=0)
        last = start_of_hour(last)
        return [last - self.step * back for back in range(self.steps - 1, -1, -1)]

    @property
    def since(self) -> datetime:
        return self.starts[0]

    def place(self, at: datetime | date) -> int:
        """The step of a time, or of a day."""
        moment = at if isinstance(at, datetime) else datetime.combine(at, time.min, UTC)
        return min(max(0, (moment - self.since) // self.step), self.steps - 1)

    def between(self, back: int = 0) -> dict[str, Any]:
        """The condition for rows of the totals: of this window, or of that many before it."""
        first = self.since - self.step * self.steps * back
        limits: tuple[Any, Any] = (first, first + self.step * self.steps)
        if not self.is_by_hour:
            limits = (limits[0].date(), limits[1].date())
        return {f"{self.totals.TIME}__gte": limits[0], f"{self.totals.TIME}__lt": limits[1]}

    def title(self, place: int) -> str:
        start = self.starts[place]
        if self.is_by_hour:
            return f"{start:%H:%M} to {start + self.step:%H:%M} UTC"
        return f"{start.day} {start:%b}"

    def ticks(self) -> dict[int, str]:
        """What stands below the steps. Hours are counted back: the reader's clock is unknown."""
        if self.is_by_hour:
            return {
                place: f"{self.steps - 1 - place} h ago" for place in range(5, self.steps - 1, 6)
            }
        every = max(1, self.steps // 5)
        return {
            place: f"{self.starts[place].day} {self.starts[place]:%b}"
            for place in range(0, self.steps, every)
        }


def window_of(key: str) -> Window:
    """The first one for an unknown key."""
    return next((window for window in windows() if window.key == key), windows()[0])


def windows() -> tuple[Window, ...]:
    return (
        Window("24h", "24 hours", 25, timedelta(hours=1)),
        Window("7d", "7 days", 7, timedelta(days=1)),
        Window("30d", "30 days", 30, timedelta(days=1)),
    )
