"""Histograms of durations with logarithmic buckets, for percentiles without reading rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

# With four buckets per doubling, a percentile is at most 9 percent off.
BUCKETS_PER_DOUBLING = 4

# Bucket → number of durations; the buckets are texts for JSON.
Durations = dict[str, int]


def bucket_of(milliseconds: int) -> int:
    """0 for less than a millisecond; bucket n goes from 2^((n-1)/4) to 2^(n/4)."""
    if milliseconds < 1:
        return 0
    return 1 + math.floor(BUCKETS_PER_DOUBLING * math.log2(milliseconds))


def count(durations: Durations, milliseconds: int) -> None:
    name = str(bucket_of(milliseconds))
    durations[name] = durations.get(name, 0) + 1


def merge(histograms: Iterable[Mapping[str, int]]) -> Durations:
    merged: Counter[str] = Counter()
    for histogram in histograms:
        merged.update(histogram)
    return dict(merged)


def percentile(durations: Mapping[str, int], percent: float) -> int | None:
    """About the milliseconds that so many percent did not exceed: the geometric middle of the
    bucket. None without durations.
    """
    wanted = sum(durations.values()) * percent / 100
    reached = 0
    for bucket, number in sorted((int(name), number) for name, number in durations.items()):
        reached += number
        if number and reached >= wanted:
            return 0 if bucket == 0 else round(2 ** ((bucket - 0.5) / BUCKETS_PER_DOUBLING))
    return None
