"""The rule of a schedule, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MAX_EVERY_SECONDS = 366 * 86_400

# A local time that clocks skip: run at the first instant after the gap, or not at all.
Nonexistent = Literal["next", "skip"]
# A local time that comes twice because clocks are set back: run at the first, or at both.
Repeated = Literal["once", "twice"]


class RuleInvalid(Exception):
    """The rule cannot be read: `field` is the invalid part, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Rule:
    """Cron in local time of a zone, or every N seconds counted in elapsed time.

    Seconds are counted from `start`, which is then the first occurrence, or else from `anchor`,
    which is not an occurrence (both UTC). No occurrence lies before `start` or after `end`; a
    `one_off` rule has only one.
    """

    cron: str | None
    every_seconds: int | None
    timezone: str
    anchor: datetime
    start: datetime | None = None
    end: datetime | None = None
    one_off: bool = False
    nonexistent: Nonexistent = "next"
    repeated: Repeated = "once"
