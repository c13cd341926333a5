"""Properties of every rule: order, policies, the anchor, jitter, and how others read cron."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.occurrences import (
    Rule,
    RuleInvalid,
    due_times,
    jitter,
    next_due,
    next_runs,
    reaching_back,
    read_cron,
)
from deployments.occurrences.cron import wall_clock
from tests.deployments.wall_clock import fired, looked_at, minutes

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/Nuuk", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"]
)
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(tzinfo=UTC)
)


def terms(least: int, most: int) -> st.SearchStrategy[str]:
    value, step = st.integers(least, most), st.integers(1, most)
    span = st.tuples(value, value).map(lambda two: f"{min(two)}-{max(two)}")
    return st.one_of(
        st.just("*"), value.map(str), span, step.map("*/{}".format),
        st.tuples(span, step).map("{0[0]}/{0[1]}".format),
    )  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn) -> str:
    fields = [",".join(draw(st.lists(terms(*limits), min_size=1, max_size=2))) for limits in LIMITS]
    # Most of these rules match some day.
    fields[2] = draw(st.sampled_from(["*", fields[2]]))
    return " ".join(fields)


def rule(cron: str, zone: str, **fields: object) -> Rule:
    return Rule(cron=cron, every_seconds=None, timezone=zone, anchor=ANCHOR, **fields)


def readable(expression: str) -> str:
    try:
        return read_cron(expression)
    except RuleInvalid:
        return "* * * * *"


@given(expression=expressions())
@settings(max_examples=150)
def test_celery_and_cronsim_read_what_we_read(expression: str) -> None:
    cron = readable(expression)
    ours = wall_clock(cron)
    minute, hour, day, month, week = cron.split()
    celery = crontab(
        minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=week
    )
    assert (set(ours.minutes), set(ours.hours)) == (celery.minute, celery.hour)
    assert (ours.days, ours.months) == (celery.day_of_month, celery.month_of_year)
    assert ours.weekdays == celery.day_of_week
    other = CronSim(cron, ANCHOR)
    other.day_and = True
    assert (set(ours.minutes), set(ours.hours)) == (other.minutes, other.hours)
    assert (ours.days, ours.months) == (other.days, other.months)
    assert ours.weekdays == {number % 7 for number in other.weekdays}


@given(expression=expressions(), at=TIMES)
@settings(max_examples=100)
def test_without_changes_of_clocks_cronsim_agrees(expression: str, at: datetime) -> None:
    cron = readable(expression)
    other = CronSim(cron, at)
    other.day_and = True
    assert next_due(rule(cron, "UTC"), at) == next(other)


@given(
    expression=expressions(),
    zone=ZONES,
    at=TIMES,
    later=st.timedeltas(timedelta(0), timedelta(days=3)),
    nonexistent=st.sampled_from(["next", "skip"]),
    repeated=st.sampled_from(["once", "twice"]),
)
@settings(max_examples=150)
def test_the_next_time_is_later_and_nothing_lies_between(
    expression: str, zone: str, at: datetime, later: timedelta, nonexistent: str, repeated: str
) -> None:
    found = rule(readable(expression), zone, nonexistent=nonexistent, repeated=repeated)
    due = next_due(found, at)
    assert due is not None
    assert due > at
    assert due.second == due.microsecond == 0
    again = next_due(found, at + later)
    assert again is not None
    assert again >= due
    assert again == due or at + later >= due


@given(expression=expressions(), zone=ZONES, at=TIMES)
@settings(max_examples=25)
def test_a_clock_on_the_wall_agrees(expression: str, zone: str, at: datetime) -> None:
    cron, first = readable(expression), at.replace(second=0, microsecond=0)
    last = first + timedelta(hours=12)
    wanted = fired(cron, looked_at(cron, minutes(zone, first, last)))
    due = next_due(rule(cron, zone), first)
    assert (due_times(rule(cron, zone), due, last, most=9999) if due else []) == wanted


@given(zone=ZONES, expression=expressions(), at=TIMES)
@settings(max_examples=40)
def test_what_is_shown_is_what_fires(zone: str, expression: str, at: datetime) -> None:
    found = rule(readable(expression), zone)
    runs = next_runs(found, at, most=4)
    first = next_due(found, at)
    assert first is not None
    assert [run.at for run in runs] == due_times(found, first, runs[-1].at, most=4)
    assert all(run.local == run.at.astimezone(ZoneInfo(zone)) for run in runs)


@given(every=st.integers(1, 10**7), at=TIMES)
def test_intervals_are_counted_from_the_anchor(every: int, at: datetime) -> None:
    found = Rule(cron=None, every_seconds=every, timezone="UTC", anchor=ANCHOR)
    due = next_due(found, at)
    assert due is not None
    assert due > max(at, ANCHOR)
    assert (due - ANCHOR) % timedelta(seconds=every) == timedelta(0)
    assert due - max(at, ANCHOR) <= timedelta(seconds=every)
    back = reaching_back(found, at)
    assert (back.anchor - ANCHOR) % timedelta(seconds=every) == timedelta(0)
    first = next_due(back, at - MICRO)
    assert first is not None
    assert at <= first < at + timedelta(seconds=every)


@given(seconds=st.integers(0, 86_400), at=TIMES, name=st.text())
def test_jitter_is_bounded_and_always_the_same(seconds: int, at: datetime, name: str) -> None:
    found = jitter(name, at, seconds)
    assert timedelta(0) <= found <= timedelta(seconds=seconds)
    assert found == jitter(name, at, seconds)


def test_jitter_spreads() -> None:
    shares = [jitter(f"schedule {n}", ANCHOR, 100).total_seconds() for n in range(1000)]
    tenths = [sum(n * 10 <= share < n * 10 + 10 for share in shares) for n in range(10)]
    assert min(tenths) > 60


def test_an_interval_with_a_start_is_counted_from_it() -> None:
    start = ANCHOR + timedelta(days=2, seconds=7)
    found = Rule(cron=None, every_seconds=60, timezone="UTC", anchor=ANCHOR, start=start)
    assert next_due(found, ANCHOR) == start
    assert next_due(found, start) == start + timedelta(seconds=60)
    assert reaching_back(found, ANCHOR) == found


@pytest.mark.parametrize("cron", ["0 12 * * *", "* * * * *"])
def test_start_and_end_belong_to_it_and_one_off_is_one(cron: str) -> None:
    start, end = ANCHOR + timedelta(hours=12), ANCHOR + timedelta(days=1, hours=12)
    found = rule(cron, "UTC", start=start, end=end)
    assert next_due(found, ANCHOR) == start
    assert next_due(found, end - MICRO) == end
    assert next_due(found, end) is None
    once = rule(cron, "UTC", start=start, end=end, one_off=True)
    assert due_times(once, start, end, most=99) == [start]
    assert len(next_runs(once, ANCHOR, most=9)) == 1
