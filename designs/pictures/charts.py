"""Charts as SVG, drawn on the server: bars, lines, sparks and meters. Each says its figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from django.utils.html import conditional_escape, format_html, format_html_join

# Kinds of what is drawn, from the bottom of a column to its top, and what a reader is told.
KINDS = {
    "ok": "completed",
    "off": "cancelled",
    "run": "running",
    "warn": "degraded",
    "bad": "failed",
}
# The kind of each state in `pictograms.STATES`.
KIND_OF_STATE = {
    "completed": "ok",
    "degraded": "warn",
    "failed": "bad",
    "timed_out": "bad",
    "cancelled": "off",
    "running": "run",
    "waiting": "run",
    "queued": "run",
}
# A value above 0 is seen.
LEAST = 1.5
FOOT = 14
SPARK = (96, 22)
NOTHING = format_html("{}", "")


@dataclass(frozen=True, slots=True)
class Column:
    """A stack of values by kind (`KINDS`); `tick` stands below it, `title` tells of it."""

    values: Mapping[str, float]
    title: str = ""
    url: str = ""
    tick: str = ""

    @property
    def height(self) -> float:
        return sum(_value(self.values.get(kind)) for kind in KINDS)


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns side by side. With `stretch` it fills its box and has no words in it; `chosen` are
    the first and last column of a chosen span.
    """

    label: str
    columns: Sequence[Column]
    width: int = 372
    height: int = 138
    stretch: bool = False
    chosen: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Values from left to right, None where there is none. `kind` is `main` or `band`."""

    name: str
    values: Sequence[float | None]
    kind: str = "main"


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines over one another; `words` writes a value, `ticks` stand below by position."""

    label: str
    lines: Sequence[Line]
    words: Callable[[float], str] = field(default=lambda value: f"{value:,.0f}")
    ticks: Mapping[int, str] = field(default_factory=dict)
    width: int = 372
    height: int = 138


@dataclass(frozen=True, slots=True)
class Mark:
    """One of a spark's small bars: its height, its kind, and where it leads."""

    value: float
    kind: str = "ok"
    title: str = ""
    url: str = ""


# --- Bars -----------------------------------------------------------------------------------------


def bars(chart: Bars) -> str:
    """Columns of stacked values. The label is completed by the sum of each kind."""
    foot = 0 if chart.stretch else FOOT
    bottom = chart.height - foot
    most = max((column.height for column in chart.columns), default=0) or 1
    pitch = chart.width / max(len(chart.columns), 1)
    columns = [
        _column(column, pitch * place, pitch, bottom, (bottom - 8) / most)
        for place, column in enumerate(chart.columns)
    ]
    ticks = [(pitch * (place + 0.5), column.tick) for place, column in enumerate(chart.columns)]
    return format_html(
        '<svg class="chart bars{}" viewBox="0 0 {} {}"{} role="{}" aria-label="{}">'
        '{}<path class="axis" d="M0 {}h{}"/>{}{}{}</svg>',
        " stretch" if chart.stretch else "",
        chart.width,
        chart.height,
        format_html(' preserveAspectRatio="{}"', "none") if chart.stretch else NOTHING,
        _role(column.url for column in chart.columns),
        f"{chart.label}: {_sums(chart.columns)}",
        NOTHING if chart.stretch else _grid((bottom - (bottom - 8) * at for at in (0.5, 1)), chart),
        _n(bottom),
        chart.width,
        _joined(columns),
        _chosen(chart, pitch),
        NOTHING if chart.stretch else _ticks(ticks, chart),
    )


def _column(column: Column, x: float, pitch: float, bottom: float, scale: float) -> str:
    gap = min(3.0, pitch * 0.2)
    pieces, top = [], bottom
    for kind in KINDS:
        value = _value(column.values.get(kind))
        if not value:
            continue
        height = max(LEAST, value * scale)
        top -= height
        pieces.append((kind, _n(x + gap / 2), _n(top), _n(pitch - gap), _n(height)))
    shapes = format_html_join(
        "", '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1"/>', pieces
    )
    # All of the column's height answers the pointer, also where it is low or empty.
    area = format_html(
        '<rect class="area-of" x="{}" y="0" width="{}" height="{}"/>', _n(x), _n(pitch), _n(bottom)
    )
    return _told(_joined((area, shapes)), column.title, column.url)


def _chosen(chart: Bars, pitch: float) -> str:
    if chart.chosen is None:
        return NOTHING
    first, last = sorted(chart.chosen)
    return format_html(
        '<rect class="chosen" x="{}" y="0" width="{}" height="{}"/>',
        _n(pitch * first),
        _n(pitch * (last - first + 1)),
        chart.height,
    )


def _sums(columns: Iterable[Column]) -> str:
    sums = dict.fromkeys(KINDS, 0.0)
    for column in columns:
        for kind in KINDS:
            sums[kind] += _value(column.values.get(kind))
    told = [f"{value:,.0f} {KINDS[kind]}" for kind, value in sums.items() if value]
    return ", ".join(told) or "none"


# --- Lines ----------------------------------------------------------------------------------------


def lines(chart: Lines) -> str:
    """Lines, the space below a `main` one lightly filled. The label is completed by the lowest and
    highest value of each line.
    """
    bottom = chart.height - FOOT
    known = [_value(value) for line in chart.lines for value in line.values if value is not None]
    step = nice_step(max(known, default=0))
    scale = (bottom - 8) / max(max(known, default=0), step)
    heights = [step * at for at in (1, 2, 3) if step * at * scale <= bottom - 8]
    marks = format_html_join(
        "",
        '<text x="0" y="{}">{}</text>',
        ((_n(bottom - height * scale - 4), chart.words(height)) for height in heights),
    )
    count = max((len(line.values) for line in chart.lines), default=0)
    pitch = chart.width / max(count - 1, 1)
    return format_html(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '{}<path class="axis" d="M0 {}h{}"/>{}{}{}</svg>',
        chart.width,
        chart.height,
        f"{chart.label}: {_extremes(chart)}",
        _grid((bottom - height * scale for height in heights), chart),
        _n(bottom),
        chart.width,
        _joined(_line(line, pitch, bottom, scale) for line in chart.lines),
        marks,
        _ticks([(pitch * place, text) for place, text in chart.ticks.items()], chart),
    )


def _line(line: Line, pitch: float, bottom: float, scale: float) -> str:
    places = [
        (pitch * place, None if value is None else bottom - _value(value) * scale)
        for place, value in enumerate(line.values)
    ]
    kind = "main" if line.kind == "main" else "band"
    pieces = []
    for is_there, run in groupby(places, key=lambda place: place[1] is not None):
        if not is_there:
            continue
        points = [(x, y) for x, y in run if y is not None]
        if len(points) == 1:
            points.append((points[0][0] + 3, points[0][1]))
        path = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        if kind == "main":
            left, right = points[0][0], points[-1][0]
            pieces.append(("area", f"M{path}L{_n(right)} {_n(bottom)}L{_n(left)} {_n(bottom)}Z"))
        pieces.append((kind, f"M{path}"))
    return format_html_join("", '<path class="{}" d="{}"/>', pieces)


def nice_step(most: float) -> float:
    """1, 2 or 5 times a power of ten, of which the highest value has one, two or three."""
    if not most > 0 or math.isinf(most):
        return 1
    size = 10.0 ** math.floor(math.log10(most))
    return next(size * part for part in (0.5, 1, 2, 5) if size * part * 3 >= most)


def _extremes(chart: Lines) -> str:
    told = []
    for line in chart.lines:
        known = [_value(value) for value in line.values if value is not None]
        if known:
            told.append(f"{line.name} {chart.words(min(known))} to {chart.words(max(known))}")
    return ", ".join(told) or "none"


# --- Sparks and meters ----------------------------------------------------------------------------


_RECT = '<rect class="{2}" x="{3}" y="{4}" width="{5}" height="{6}" rx="1"/>'
_MARK = f"<g><title>{{1}}</title>{_RECT}</g>"
_LINKED_MARK = '<a href="{0}" tabindex="-1" aria-label="{1}">' + f"<title>{{1}}</title>{_RECT}</a>"


def spark(marks: Sequence[Mark], label: str, places: int = 30) -> str:
    """Small bars, the newest at the right end. The label is completed by counts of the kinds.

    Its links are for the pointer: a row of thirty stops for the Tab key would help nobody.
    """
    width, height = SPARK
    marks = marks[-places:]
    most = max((_value(mark.value) for mark in marks), default=0) or 1
    pitch = width / places
    left = width - pitch * len(marks)
    drawn = []
    for place, mark in enumerate(marks):
        tall = max(2.0, height * _value(mark.value) / most)
        # A list has hundreds of them, so each is written at once.
        title = conditional_escape(mark.title)
        drawn.append(
            format_html(
                _LINKED_MARK if mark.url else _MARK,
                mark.url,
                title,
                mark.kind if mark.kind in KINDS else "ok",
                _n(left + pitch * place),
                _n(height - tall),
                _n(pitch * 0.6),
                _n(tall),
            )
        )
    return format_html(
        '<svg class="spark" viewBox="0 0 {} {}" preserveAspectRatio="none" role="{}"'
        ' aria-label="{}">{}</svg>',
        width,
        height,
        _role(mark.url for mark in marks),
        f"{label}: {_kinds(marks)}",
        _joined(drawn),
    )


def _kinds(marks: Sequence[Mark]) -> str:
    counts = {kind: sum(1 for mark in marks if mark.kind == kind) for kind in KINDS}
    return ", ".join(f"{n} {KINDS[kind]}" for kind, n in counts.items() if n) or "none"


def meter(value: object, limit: object, label: str = "", kind: str = "") -> str:
    """How much of a limit is used. Without a label it only repeats what stands beside it."""
    most = _value(limit)
    percent = min(100.0, 100 * _value(value) / most) if most else 0.0
    told = (
        format_html('role="img" aria-label="{}"', f"{label}, {percent:.0f} %")
        if label
        else format_html('aria-hidden="{}"', "true")
    )
    return format_html(
        '<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" {}>'
        '<rect width="100" height="4"/>'
        '<rect class="{}" width="{}" height="4"/></svg>',
        told,
        kind if kind in KINDS else "",
        _n(percent),
    )


# --- Parts ----------------------------------------------------------------------------------------


def _role(urls: Iterable[str]) -> str:
    """An image has no parts to go to."""
    return "group" if any(urls) else "img"


def _told(shape: str, title: str, url: str) -> str:
    words = format_html("<title>{}</title>", title) if title else NOTHING
    if url:
        return format_html(
            '<a href="{}" aria-label="{}">{}{}</a>',
            url,
            title or url,
            words,
            shape,
        )
    return format_html("<g>{}{}</g>", words, shape) if title else shape


def _grid(heights: Iterable[float], chart: Bars | Lines) -> str:
    return format_html_join(
        "", '<path class="grid" d="M0 {}h{}"/>', ((_n(y), chart.width) for y in heights)
    )


def _ticks(places: Iterable[tuple[float, str]], chart: Bars | Lines) -> str:
    """Words below the axis; those at the ends stay inside."""
    shown = (
        (
            _n(min(max(x, 0), chart.width)),
            chart.height - 2,
            "start" if x < 20 else "end" if x > chart.width - 20 else "middle",
            text,
        )
        for x, text in places
        if text
    )
    return format_html_join("", '<text x="{}" y="{}" class="{}">{}</text>', shown)


def _value(value: object) -> float:
    """A height: nothing for what is no number, or below 0."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if 0 < number < math.inf else 0.0


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _joined(parts: Iterable[str]) -> str:
    return format_html_join("", "{}", ((part,) for part in parts))
