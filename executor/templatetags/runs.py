"""Drawings of time lines, in templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django import template
from django.utils.html import format_html, format_html_join

from executor.history.timeline import WIDTH, Bar

register = template.Library()

HEIGHT = 26
THIN = frozenset({"span", "tail"})
LINES = frozenset({"pause", "wait"})
# The text of a later tick would be cut off.
LAST = 0.95 * WIDTH


@register.simple_tag
def lane(bars: Iterable[Bar], total_ms: int) -> str:
    """The bars of one row. `data-from` and `data-to` are in milliseconds, for the page's script."""
    drawn = format_html_join("", "{}", ((_drawn(bar, total_ms),) for bar in bars))
    return format_html(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        WIDTH,
        HEIGHT,
        drawn,
    )


def _drawn(bar: Bar, total_ms: int) -> str:
    x = WIDTH * bar.start / total_ms
    width = max(2.0, WIDTH * (bar.end - bar.start) / total_ms)
    title = format_html("<title>{}</title>", bar.title) if bar.title else ""
    if bar.kind in LINES:
        return format_html(
            '<path class="{}" d="M{} 13H{}">{}</path>', bar.kind, _n(x), _n(x + width), title
        )
    y, height = (10, 6) if bar.kind in THIN else (6, 14)
    return format_html(
        '<rect class="{}" data-from="{}" data-to="{}" x="{}" y="{}" width="{}" height="{}"'
        ' rx="2.5">{}</rect>',
        bar.kind,
        bar.start,
        bar.end,
        _n(x),
        y,
        _n(width),
        height,
        title,
    )


@register.filter
def as_list(bar: Bar) -> list[Bar]:
    return [bar]


@register.filter
def as_words(names: str) -> list[str]:
    """`a,b,c`, for a loop."""
    return names.split(",")


@register.filter
def at(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "")


@register.simple_tag
def axis(ticks: Iterable[tuple[int, int]], total_ms: int) -> str:
    """The times above a time line."""
    marks = (
        (f"{position / WIDTH * 100:.2f}%", _seconds(ms))
        for position, ms in ticks
        if position < LAST
    )
    texts = format_html_join("", '<text x="{}" y="18" dx="3">{}</text>', marks)
    return format_html('<svg aria-hidden="true" data-total="{}">{}</svg>', total_ms, texts)


def _seconds(ms: int) -> str:
    if ms < 1000:
        return f"{ms} ms"
    if ms < 120_000:
        return f"{ms / 1000:g} s"
    if ms < 7_200_000:
        return f"{ms / 60_000:g} min"
    if ms < 172_800_000:
        return f"{ms / 3_600_000:g} h"
    return f"{ms / 86_400_000:g} d"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
