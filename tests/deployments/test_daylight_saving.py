"""Runs around changes of clocks: each change of twelve zones in eleven years, by an oracle."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deployments.occurrences import Rule, due_times, next_due, next_runs, read_cron
from tests.deployments.wall_clock import changes, fired, looked_at, minutes

YEARS = (2025, 2035)
CHANGING = (
    "America/New_York", "Europe/London", "Europe/Berlin", "Australia/Sydney",
    "Australia/Lord_Howe", "Antarctica/Troll", "America/Nuuk", "Africa/Casablanca",
)  # fmt: skip
STEADY = ("Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo", "UTC")
FLOWING = (
    "* * * * *", "*/15 * * * *", "30 * * * *", "0 */2 * * *", "15 0-4 * * *", "*/20 2 * * *",
    "5-50/15 1,23 * * *",
)  # fmt: skip
FIXED = (
    "0 1 * * *", "30 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "0 3 * * *",
    "0 0 * * *", "30 23 * * *", "15,45 0,1,2,3,23 * * *", "30 0,1,2 * * 0", "30 2 1-14 3,11 *",
)  # fmt: skip
POLICIES = [("next", "once"), ("next", "twice"), ("skip", "once"), ("skip", "twice")]
AROUND = timedelta(hours=3)


def rule_of(cron: str, zone: str, nonexistent: str = "next", repeated: str = "once") -> Rule:
    return Rule(
        cron=read_cron(cron), every_seconds=None, timezone=zone,
        anchor=datetime(2025, 1, 1, tzinfo=UTC), nonexistent=nonexistent, repeated=repeated,
    )  # fmt: skip


def fires(rule: Rule, first: datetime, last: datetime) -> list[datetime]:
    due = next_due(rule, first)
    return [] if due is None else due_times(rule, due, last, most=10_000)


@pytest.mark.parametrize("zone", CHANGING + STEADY)
def test_every_change_of_every_zone(zone: str) -> None:
    found = changes(zone, *YEARS)
    # Twice a year, and around Ramadan in Casablanca, by the moon.
    assert len(found) >= 20 if zone in CHANGING else not found
    for change in found or (datetime(2030, 1, 1, tzinfo=UTC), datetime(2035, 7, 1, tzinfo=UTC)):
        first, last = change - AROUND, change + AROUND
        walked = minutes(zone, first, last)
        for cron in FLOWING + FIXED:
            looks = looked_at(cron, walked)
            for nonexistent, repeated in POLICIES if cron in FIXED else POLICIES[:1]:
                rule = rule_of(cron, zone, nonexistent, repeated)
                wanted = fired(cron, looks, nonexistent=nonexistent, repeated=repeated)
                assert fires(rule, first, last) == wanted, (cron, change, nonexistent, repeated)


def test_the_oracle_sees_gaps_and_repetitions() -> None:
    """Otherwise both could be wrong in the same way."""
    spring, autumn = (c for c in changes("Europe/Berlin", 2025, 2025))
    assert spring == datetime(2025, 3, 30, 1, tzinfo=UTC)
    cron = "30 2 * * *"
    looks = looked_at(cron, minutes("Europe/Berlin", spring - AROUND, spring + AROUND))
    assert fired(cron, looks) == [spring]
    assert fired(cron, looks, nonexistent="skip") == []
    looks = looked_at(cron, minutes("Europe/Berlin", autumn - AROUND, autumn + AROUND))
    first = datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert fired(cron, looks) == [first]
    assert fired(cron, looks, repeated="twice") == [first, first + timedelta(hours=1)]


def test_a_whole_year_day_by_day() -> None:
    zone, cron = "Australia/Lord_Howe", "45 1,2 * * 1-6,0"
    first, last = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
    looks = looked_at(cron, minutes(zone, first, last))
    assert fires(rule_of(cron, zone), first, last) == fired(cron, looks)


def test_a_day_that_a_zone_left_out() -> None:
    """Apia went from December 29 to 31 in 2011."""
    rule = rule_of("0 12 * * *", "Pacific/Apia")
    first = datetime(2011, 12, 29, tzinfo=UTC)
    walked = minutes("Pacific/Apia", first, first + timedelta(days=4))
    wanted = fired("0 12 * * *", looked_at("0 12 * * *", walked))
    assert fires(rule, first, first + timedelta(days=4)) == wanted
    skipping = rule_of("0 12 * * *", "Pacific/Apia", "skip")
    assert len(fires(skipping, first, first + timedelta(days=4))) == len(wanted) - 1


@pytest.mark.parametrize(
    ("cron", "policies", "after", "remarks"),
    [
        ("30 2 * * *", ("next", "once"), "2025-03-29T12", ["02:30 does not exist", ""]),
        ("30 2 * * *", ("skip", "once"), "2025-03-29T12", ["nothing runs for it", ""]),
        ("30 2 * * *", ("next", "once"), "2025-10-25T12", ["runs at the first", "+02:00 → +01:00"]),
        ("30 2 * * *", ("next", "twice"), "2025-10-25T12", ["is the first", "is the second", ""]),
        ("0 9 * * *", ("next", "once"), "2025-10-25T12", ["Clocks are changed", ""]),
        ("0 9 * * *", ("next", "once"), "2025-06-01T12", ["", ""]),
    ],
)
def test_the_preview_marks_the_days(
    cron: str, policies: tuple[str, str], after: str, remarks: list[str]
) -> None:
    rule = rule_of(cron, "Europe/Berlin", *policies)
    at = datetime.fromisoformat(f"{after}:00:00+00:00")
    runs = next_runs(rule, at, most=len(remarks))
    for run, remark in zip(runs, remarks, strict=True):
        assert remark in run.remark, run
        assert bool(remark) == bool(run.remark)
    assert [run.at for run in runs] == fires(rule, at, runs[-1].at)
    assert runs[-1].offset in ("+01:00", "+02:00")
