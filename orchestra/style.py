"""The style page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from designs.pictures import pictograms
from designs.pictures.charts import Bars, Column, Line, Lines, Mark

# What the style page shows of the tokens and of the icons.
COLOURS = (
    ("Ground and lines", "page surface surface-sunk surface-hover line line-soft line-strong"),
    ("Words", "text text-soft text-faint"),
    ("The main verb, selection, links, focus", "accent accent-strong accent-soft accent-line"),
    ("States", "good good-soft bad bad-soft warn warn-soft run run-soft idle idle-soft"),
    ("Charts and graphs", "chart chart-strong chart-bad chart-warn chart-run wire dots"),
)
ICONS = (
    "home graph samples deploy clock hand tools history model key book settings person exit menu "
    "fold search more down back close check copy download code edit play resume again stop plus "
    "trash"
)


HOURS = (3, 4, 2, 6, 9, 14, 18, 22, 21, 17, 12, 8)
CHARTS = {
    "bars": Bars(
        "Runs an hour",
        [
            Column(
                {"ok": runs, "warn": runs > 17, "bad": 4 * (hour == 10)},
                title=f"{hour}:00, {runs} runs",
                tick=f"{hour:02}:00" if hour % 4 == 0 else "",
            )
            for hour, runs in enumerate(HOURS)
        ],
    ),
    "stretched": Bars(
        "Runs an hour, as wide as there is room",
        [Column({"ok": runs, "run": hour == 11}) for hour, runs in enumerate(HOURS)],
        width=1180,
        height=60,
        stretch=True,
        chosen=(7, 9),
    ),
    "lines": Lines(
        "Duration",
        [
            Line("median", [2 + runs / 10 for runs in HOURS]),
            Line("95 %", [6 + runs / 4 for runs in HOURS[:6]] + [None] + [11] * 5, kind="band"),
        ],
        words=lambda seconds: f"{seconds:g} s",
        ticks={0: "00:00", 4: "04:00", 8: "08:00"},
    ),
    "marks": [
        Mark(runs, kind="bad" if runs == 14 else "warn" if runs == 18 else "ok") for runs in HOURS
    ],
}


@require_safe
@login_required
def style(request: HttpRequest) -> HttpResponse:
    """Every component of the pages, in both themes."""
    context = {
        "themes": ("light", "dark"),
        "colours": [(words, names.split()) for words, names in COLOURS],
        "icons": ICONS.split(),
        "states": list(pictograms.STATES),
        "patterns": list(pictograms.PICTOGRAMS),
        **CHARTS,
    }
    return render(request, "style.html", context)
