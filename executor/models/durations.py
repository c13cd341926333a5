"""Counts of durations in buckets that grow by a factor, so that percentiles need no rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

# Four buckets for each doubling: what is read from one is at most 9 percent off.
FOR_A_DOUBLING = 4

# Bucket → how many; JSON has only texts as names.
Durations = dict[str, int]


def bucket_of(milliseconds: int) -> int:
    """0 for less than a millisecond; bucket n goes from 2^((n-1)/4) to 2^(n/4)."""
    if milliseconds < 1:
        return 0
    return 1 + math.floor(FOR_A_DOUBLING * math.log2(milliseconds))


def count(durations: Durations, milliseconds: int) -> None:
    name = str(bucket_of(milliseconds))
    durations[name] = durations.get(name, 0) + 1


def together(parts: Iterable[Mapping[str, int]]) -> Durations:
    """The counts of several days, or deployments."""
    found: Durations = {}
    for part in parts:
        for name, number in part.items():
            found[name] = found.get(name, 0) + number
    return found


def percentile(durations: Mapping[str, int], percent: float) -> int | None:
    """The milliseconds that so many percent did not exceed, about; None where nothing is counted.

    The middle of its bucket, by factor.
    """
    wanted = sum(durations.values()) * percent / 100
    reached = 0
    for bucket, number in sorted((int(name), number) for name, number in durations.items()):
        reached += number
        if number and reached >= wanted:
            return 0 if bucket == 0 else round(2 ** ((bucket - 0.5) / FOR_A_DOUBLING))
    return None
