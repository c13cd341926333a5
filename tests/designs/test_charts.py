"""Charts show what they are given, tell it in words, and take any value."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest
from django.template import Context, Template

from designs.pictures.charts import (
    Bars,
    Column,
    Line,
    Lines,
    Mark,
    bars,
    lines,
    meter,
    nice_step,
    spark,
)

EVIL = "<script>alert(1)</script>\"'&"


def drawn(text: str) -> ET.Element:
    assert "style=" not in text
    return ET.fromstring(text)  # noqa: S314 (ours)


def test_bars_are_stacked_by_outcome_and_say_their_sums() -> None:
    columns = [Column({"ok": 1000, "bad": 2}, title="16:00"), Column({"warn": 5}, tick="17:00")]
    picture = drawn(bars(Bars("Runs an hour", columns)))
    assert picture.get("role") == "img"
    label = "Runs an hour: 1,000 completed, 5 degraded, 2 failed"
    assert picture.get("aria-label") == label
    kinds = [rect.get("class") for rect in picture.iter("rect")]
    assert kinds == ["area-of", "ok", "bad", "area-of", "warn"]
    assert [text.text for text in picture.iter("text")] == ["17:00"]
    assert picture.findtext("g/title") == "16:00"


def test_columns_that_lead_somewhere_are_links_in_a_group() -> None:
    picture = drawn(bars(Bars("Runs", [Column({"ok": 1}, title="16:00", url="/executions/")])))
    assert picture.get("role") == "group"
    link = picture.find("a")
    assert link is not None
    assert (link.get("href"), link.get("aria-label")) == ("/executions/", "16:00")


def test_a_stretched_chart_has_no_words_and_shows_what_is_chosen() -> None:
    columns = [Column({"ok": 1}, tick="16:00") for _ in range(96)]
    picture = drawn(bars(Bars("Runs", columns, width=960, stretch=True, chosen=(9, 5))))
    assert picture.get("preserveAspectRatio") == "none"
    assert not list(picture.iter("text"))
    chosen = next(rect for rect in picture.iter("rect") if rect.get("class") == "chosen")
    assert (chosen.get("x"), chosen.get("width")) == ("50", "50")


def test_lines_break_where_nothing_is_known() -> None:
    chart = Lines(
        "Duration",
        [Line("median", [1, 2, None, 4]), Line("95 %", [9, None, None, 3], kind="band")],
        words=lambda seconds: f"{seconds:g} s",
        ticks={0: "18:00"},
    )
    picture = drawn(lines(chart))
    assert picture.get("aria-label") == "Duration: median 1 s to 4 s, 95 % 3 s to 9 s"
    kinds = [path.get("class") for path in picture.iter("path")]
    assert (kinds.count("main"), kinds.count("area"), kinds.count("band")) == (2, 2, 2)
    assert "18:00" in [text.text for text in picture.iter("text")]


def test_a_spark_keeps_the_newest_and_counts_the_kinds() -> None:
    marks = [Mark(at, "bad" if at > 38 else "ok", url=f"/executions/{at}/") for at in range(40)]
    picture = drawn(spark(marks, "Last runs"))
    assert picture.get("aria-label") == "Last runs: 29 completed, 1 failed"
    links = list(picture.iter("a"))
    assert [link.get("href") for link in links][0::29] == ["/executions/10/", "/executions/39/"]
    assert {link.get("tabindex") for link in links} == {"-1"}


@pytest.mark.parametrize(
    ("value", "limit", "width"),
    [(1, 4, "25"), (9, 4, "100"), (None, 4, "0"), (1, None, "0"), (1, 0, "0"), ("x", "y", "0")],
)
def test_a_meter_is_never_wider_than_its_limit(value: object, limit: object, width: str) -> None:
    used = list(drawn(meter(value, limit, "Cost")).iter("rect"))[1]
    assert used.get("width") == width


def test_a_meter_beside_its_words_is_not_told_again() -> None:
    assert drawn(meter(1, 2)).get("aria-hidden") == "true"


ODD = (math.nan, math.inf, -1, 1e300, None, 0)


@pytest.mark.parametrize("value", ODD)
def test_odd_values_are_drawn_as_nothing_or_as_much(value: float) -> None:
    for text in (
        bars(Bars("Runs", [Column({"ok": value, "what": 1})])),
        lines(Lines("Duration", [Line("median", [value, value])])),
        spark([Mark(value, "what")], "Runs"),
        meter(value, value),
    ):
        assert "nan" not in text
        assert "inf" not in text
        drawn(text)


def test_empty_charts_say_so() -> None:
    for text in (bars(Bars("X", [])), lines(Lines("X", [])), spark([], "X")):
        assert drawn(text).get("aria-label") == "X: none"


def test_texts_are_text() -> None:
    for text in (
        bars(Bars(EVIL, [Column({"ok": 1}, title=EVIL, url=EVIL, tick=EVIL)])),
        lines(Lines(EVIL, [Line(EVIL, [1.0])], words=lambda _: EVIL, ticks={0: EVIL})),
        spark([Mark(1, EVIL, EVIL, EVIL)], EVIL),
        meter(1, 2, EVIL, EVIL),
    ):
        assert "<script" not in text
        drawn(text)


def test_tags_draw_them() -> None:
    source = '{% load charts %}{% spark marks "Last runs" %}{% meter 1 2 "Cost" %}'
    shown = Template(source).render(Context({"marks": [Mark(1)]}))
    assert 'aria-label="Last runs: 1 completed"' in shown
    assert 'aria-label="Cost, 50 %"' in shown


def test_steps_are_round() -> None:
    assert [nice_step(most) for most in (0, 0.9, 1, 7, 14.9, 16, 900)] == [
        1, 0.5, 0.5, 5, 5, 10, 500,
    ]  # fmt: skip
