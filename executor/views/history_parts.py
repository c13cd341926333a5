"""Parts of the history's page: counts as links, filters in force, orders, and the chart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.http import QueryDict

from designs.access import Caller, seen_deployments
from designs.models import Design
from executor.history.counting import WINDOWS, Counts, Histogram
from executor.history.filters import HistoryFilter
from executor.history.sorting import NEWEST
from executor.models import LIVE, Status, Trigger
from executor.models.causes import cause_label

# Of the chart's picture, whose width is stretched to its place.
HEIGHT = 60
TICKS = 6
# From the ground up; what went well is quiet.
OUTCOMES = (
    ("completed", "ok"), ("cancelled", "ok"), ("live", "run"), ("degraded", "warn"),
    ("failed", "bad"),
)  # fmt: skip
# State filters by the facet that stands for them.
FACETS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("all", "All", "", ()),
    ("live", "Live", "running", tuple(sorted(LIVE))),
    ("failed", "Failed", "failed", (Status.FAILED, Status.TIMED_OUT)),
    ("degraded", "Degraded", "degraded", ()),
)
_PLACE = ("before", "after")


def query_with(query: QueryDict, *without: str, **values: Any) -> str:
    """The query string from its first page, without some parameters, and with others."""
    changed = query.copy()
    for name in (*_PLACE, *without, *values):
        changed.pop(name, None)
    for name, value in values.items():
        changed.setlist(name, [str(each) for each in _several(value)])
    return changed.urlencode()


def _several(value: Any) -> Iterable[Any]:
    return value if isinstance(value, tuple | list) else (value,)


def name_of_window(query: QueryDict) -> str:
    name = query.get("window", "")
    return name if name in WINDOWS else ""


def facets_of(counts: Counts, found: HistoryFilter, query: QueryDict) -> list[dict[str, Any]]:
    facets = []
    for name, label, state, states in FACETS:
        flag = {"degraded": "true"} if name == "degraded" else {}
        chosen = set(found.states) == set(states) and (found.is_degraded is True) == bool(flag)
        status = {"status": states} if states else {}
        facets.append(
            {
                "label": label,
                "state": state,
                "count": getattr(counts, name),
                "url": "?" + query_with(query, "status", "degraded", **status, **flag),
                "is_chosen": chosen and (found.is_degraded is not False or name != "all"),
            }
        )
    return facets


def columns_of(found: HistoryFilter, query: QueryDict) -> dict[str, dict[str, str]]:
    """For each column that sorts: the link that sorts by it or turns it round, and `aria-sort`."""
    columns = {}
    for name in ("started", "duration", "cost"):
        falls = found.sort == f"-{name}"
        sort = name if falls else f"-{name}"
        order = "descending" if falls else "ascending" if found.sort == name else ""
        kept = {} if sort == NEWEST else {"sort": sort}
        columns[name] = {"url": "?" + query_with(query, "sort", **kept), "order": order}
    return columns


def chips_of(found: HistoryFilter, query: QueryDict, caller: Caller) -> list[dict[str, str]]:
    """The filters in force that neither a count nor the search says, with links without them."""
    chips = []
    for name, value in found.form.cleaned_data.items():
        words = _words(name, value, found, caller) if value not in (None, "", []) else ""
        if words:
            label = str(found.form.fields[name].label)
            url = "?" + query_with(query, name)
            chips.append({"label": label, "value": words, "url": url})
    return chips


def _words(name: str, value: Any, found: HistoryFilter, caller: Caller) -> str:
    if name in ("since", "until"):
        return _moment(value)
    if name == "status":
        is_facet = any(set(value) == set(states) for *_, states in FACETS)
        return "" if is_facet else ", ".join(str(Status(each).label) for each in value)
    if name == "degraded":
        return "" if value else "no"
    if name in ("deployment", "design"):
        rows, label = (
            (seen_deployments(caller), "endpoint_path")
            if name == "deployment"
            else (Design.objects.for_caller(caller), "name")
        )
        return rows.filter(pk=value).values_list(label, flat=True).first() or f"…{str(value)[-8:]}"
    return _short(name, value)


def _short(name: str, value: Any) -> str:
    if name == "text":
        return ""
    if name == "trigger_type":
        return str(Trigger(value).label)
    if name == "cause":
        return str(cause_label(value) or value)
    return f"…{str(value)[-8:]}" if name == "key" else str(value)


def _moment(value: date | datetime) -> str:
    if not isinstance(value, datetime):
        return f"{value:%d %b %Y}"
    return f"{value:%d %b %Y, %H:%M}" + (f" {value:%Z}" if value.tzinfo else "")


# --- The chart ------------------------------------------------------------------------------------


def chart_of(histogram: Histogram, found: HistoryFilter, query: QueryDict) -> dict[str, Any]:
    """What the template draws: coordinates of the bars, the chosen part, times below."""
    window, count = histogram.window, len(histogram.bars)
    since, until = found.span
    first = 0 if since is None else _bar_at(histogram, since)
    last = count if until is None else _bar_at(histogram, until, rounds_up=True)
    first, last = min(first, count - 1), max(last, min(first, count - 1) + 1)
    every = max(1, -(-count // TICKS))
    name = query.get("window", "")
    return {
        "start": int(window.start.timestamp()),
        "step": window.step,
        "bars": count,
        "rects": _rects(histogram),
        "height": HEIGHT,
        "width": count * 10,
        "first": first,
        "last": last,
        "has_brush": since is not None or until is not None,
        "brush_x": first * 10,
        "brush_width": (last - first) * 10,
        "ticks": [window.at(bar) for bar in range(0, count, every)],
        "has_days": window.step >= 3_600,
        "total": histogram.total,
        "label": _label(histogram),
        "read_from": histogram.read_from,
        "windows": [
            {
                "label": label,
                "url": "?" + query_with(query, "since", "until", window=key),
                "is_chosen": key == (name if name in WINDOWS else "24h"),
            }
            for key, (label, *_) in WINDOWS.items()
        ],
    }


def _label(histogram: Histogram) -> str:
    counts: Counter[str] = Counter()
    for bar in histogram.bars:
        counts.update(bar.counts)
    words = ", ".join(f"{counts[name]} {name}" for name, _ in reversed(OUTCOMES) if counts[name])
    window = histogram.window
    return f"From {window.start:%d %b %H:%M} to {window.end:%d %b %H:%M} UTC: {words or 'no runs'}."


def _bar_at(histogram: Histogram, at: datetime, *, rounds_up: bool = False) -> int:
    window = histogram.window
    bars = (at - window.start).total_seconds() / window.step
    whole = int(-(-bars // 1)) if rounds_up else int(bars // 1)
    return max(0, min(whole, len(histogram.bars)))


def _rects(histogram: Histogram) -> list[dict[str, Any]]:
    most = max((sum(bar.counts.values()) for bar in histogram.bars), default=0)
    rects = []
    for number, bar in enumerate(histogram.bars):
        top = float(HEIGHT)
        for outcome, look in OUTCOMES:
            count = bar.counts[outcome]
            if not count:
                continue
            # What is rare is still seen.
            height = max(count / most * (HEIGHT - 4), 1.5)
            top = max(0.0, top - height)
            place = {"x": number * 10 + 1, "y": f"{top:.1f}", "height": f"{height:.1f}"}
            rects.append({**place, "look": look})
    return rects
