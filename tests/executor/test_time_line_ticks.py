"""The times above a time line: few, and round in the unit that they are told in."""

from __future__ import annotations

import re

import pytest

from executor.history.timeline import MAX_TICKS, Timeline
from executor.templatetags.runs import axis

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("total_ms", "told"),
    [
        (20, ["0 ms", "5 ms", "10 ms", "15 ms"]),
        (100_000, ["0 ms", "20 s", "40 s", "60 s", "80 s"]),
        (8 * MINUTE + 49_000, ["0 ms", "2 min", "4 min", "6 min", "8 min"]),
        (5 * HOUR, ["0 ms", "60 min", "2 h", "3 h", "4 h"]),
        (30 * DAY, ["0 ms", "5 d", "10 d", "15 d", "20 d", "25 d"]),
    ],
)
def test_times_are_round(total_ms: int, told: list[str]) -> None:
    drawn = axis(Timeline({}, total_ms, None, False).ticks, total_ms)
    assert re.findall(r">([^<>]+)</text>", drawn) == told


@pytest.mark.parametrize("total_ms", [1, 7, 59_999, HOUR, 31 * DAY, 4_000 * DAY])
def test_times_are_few_and_grow(total_ms: int) -> None:
    ticks = Timeline({}, total_ms, None, False).ticks
    assert 1 <= len(ticks) <= MAX_TICKS + 1
    assert ticks == sorted(set(ticks))
