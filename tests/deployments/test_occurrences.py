"""The arithmetic of schedules: rules that are read, rules that are refused, and their instants."""

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.occurrences import (
    Rule,
    RuleInvalid,
    due_times,
    in_words,
    known_zones,
    next_due,
    next_runs,
    read_cron,
    times,
)

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


def cron(expression: str, zone: str = "UTC") -> Rule:
    return Rule(cron=read_cron(expression), every_seconds=None, timezone=zone, anchor=ANCHOR)


def every(seconds: int) -> Rule:
    return Rule(cron=None, every_seconds=seconds, timezone="UTC", anchor=ANCHOR)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("*/15 * * * *", "*/15 * * * *"),
        ("0 9 * * MON-FRI", "0 9 * * 1-5"),
        ("0 9 * JAN,Jul 7", "0 9 * 1,7 0"),
        ("0 0 * * 5-7", "0 0 * * 5,6,0"),
        ("5  4\t1-10/3 * *", "5 4 1-10/3 * *"),
    ],
)
def test_cron_is_read_and_normalised(written: str, read: str) -> None:
    assert read_cron(written) == read


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("* * * *", "five fields"),
        ("60 * * * *", "from 0 to 59"),
        ("5/15 * * * *", "step"),
        ("0 17-9 * * *", "backwards"),
        ("0 0 L * *", "not a value"),
        ("0 0 * * 1#2", "day of week"),
        ("0 0 * * mom", "not a value"),
        ("0 0 31 2 *", "No day fits"),
        ("*/0 * * * *", "at least 1"),
        ("*/90 * * * *", "a step of the minute goes to 59"),
        ("0 1-5/24 * * *", "a step of the hour goes to 23"),
        ("0 0 */32 * *", "a step of the day of month goes to 31"),
        ("@daily", "five fields"),
        ("", "five fields"),
        ("1,,2 * * * *", "minute"),
        ("٣ * * * *", "minute"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(expression: str, word: str) -> None:
    with pytest.raises(RuleInvalid, match=word):
        read_cron(expression)


def test_cron_is_local_time_of_its_zone() -> None:
    rule = cron("0 9 * * *", "Europe/Berlin")
    winter = next_due(rule, datetime(2026, 1, 10, tzinfo=UTC))
    summer = next_due(rule, datetime(2026, 7, 10, tzinfo=UTC))
    assert winter == datetime(2026, 1, 10, 8, tzinfo=UTC)
    assert summer == datetime(2026, 7, 10, 7, tzinfo=UTC)


def test_a_field_is_no_longer_than_what_holds_it() -> None:
    assert read_cron(f"{'0-59,' * 99}7 * * * *") == "0-59,7 * * * *"
    values = ",".join(map(str, range(60)))
    assert read_cron(f"{values} * * * *") == f"{values} * * * *"
    ranges = ",".join(f"0-{last}" for last in range(1, 60))
    with pytest.raises(RuleInvalid, match="minute field has 285 characters"):
        read_cron(f"{ranges} * * * *")


def test_both_day_fields_must_fit() -> None:
    found = next_due(cron("0 0 13 * 5"), ANCHOR)
    assert found == datetime(2026, 2, 13, tzinfo=UTC)
    assert found.weekday() == 4


def test_days_that_are_years_apart_are_found_at_little_cost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """29 February on a Sunday, at an hour that clocks skip on other days."""
    asked = []
    look = times.offset_at
    monkeypatch.setattr(times, "offset_at", lambda *of: asked.append(of) or look(*of))
    runs = next_runs(cron("30 2 29 2 0", "Europe/Berlin"), ANCHOR, most=100)
    expected = [
        year
        for year in range(2026, 9999)
        if calendar.isleap(year) and calendar.weekday(year, 2, 29) == calendar.SUNDAY
    ]
    assert [run.local.year for run in runs] == expected[:100]
    assert {run.local.strftime("%d.%m. %H:%M") for run in runs} == {"29.02. 02:30"}
    # A few at each end of the gap, none for the days in between.
    assert len(asked) < 40 * len(runs)


def test_an_interval_counts_elapsed_time_from_its_anchor() -> None:
    assert next_due(every(10), ANCHOR) == ANCHOR + timedelta(seconds=10)
    assert next_due(every(10), ANCHOR + timedelta(seconds=12)) == ANCHOR + timedelta(seconds=20)
    assert next_due(every(10), ANCHOR - timedelta(days=1)) == ANCHOR + timedelta(seconds=10)


def test_nothing_lies_before_the_start_or_after_the_end() -> None:
    start, end = ANCHOR + timedelta(seconds=30), ANCHOR + timedelta(seconds=45)
    rule = Rule(cron=None, every_seconds=10, timezone="UTC", anchor=ANCHOR, start=start, end=end)
    assert due_times(
        rule, next_due(rule, ANCHOR) or ANCHOR, ANCHOR + timedelta(hours=1), most=99
    ) == [
        ANCHOR + timedelta(seconds=30),
        ANCHOR + timedelta(seconds=40),
    ]


def test_missed_times_are_listed_in_order_and_bounded() -> None:
    found = due_times(every(1), ANCHOR + timedelta(seconds=1), ANCHOR + timedelta(days=1), most=5)
    assert found == [ANCHOR + timedelta(seconds=n) for n in range(1, 6)]


def test_rules_are_said_in_words() -> None:
    assert in_words(every(10)) == "every 10 seconds"
    assert in_words(every(3600)) == "every hour"
    assert in_words(every(7200)) == "every 2 hours"
    words = in_words(cron("0 9 * * 1-5", "Europe/Berlin"))
    assert "09:00" in words
    assert words.endswith("Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 0 31 * *", "at 00:00 on the 31st day of every month, in months that have one, UTC"),
        ("0 0 */31 * *", "at 00:00 on the first day of every month, UTC"),
        (
            "0 0 21,22,23,11 * *",
            "at 00:00 on the 21st, the 22nd, the 23rd, and the 11th day of month, UTC",
        ),
        ("0 0 29 2 *", "at 00:00 on February 29, in leap years, UTC"),
        ("0 0 31 1 *", "at 00:00 on January 31, UTC"),
        ("23 * 28 * *", "at minute 23 of every hour on the 28th day of every month, UTC"),
    ],
)
def test_days_of_the_month_are_said_as_people_do(expression: str, words: str) -> None:
    assert in_words(cron(expression)) == words


def test_what_is_no_place_is_no_zone() -> None:
    assert not known_zones() & {"localtime", "Factory", "posixrules"}
    assert {"UTC", "Europe/Berlin", "Etc/GMT+5"} <= known_zones()


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    days=st.floats(0, 3650),
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "Africa/Lagos"]),
)
def test_a_daily_rule_names_one_instant_a_day_where_clocks_are_not_changed(
    minute: int, hour: int, days: float, zone: str
) -> None:
    rule = cron(f"{minute} {hour} * * *", zone)
    after = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=days)
    first = next_due(rule, after)
    assert first is not None
    assert after < first <= after + timedelta(days=1)
    assert next_due(rule, first) == first + timedelta(days=1)


@given(text=st.text(alphabet="0123456789*/,-abcLW#@ \u0660", max_size=30))
def test_reading_never_breaks(text: str) -> None:
    try:
        read = read_cron(text)
    except RuleInvalid:
        return
    assert read_cron(read) == read
    next_due(Rule(cron=read, every_seconds=None, timezone="UTC", anchor=ANCHOR), ANCHOR)
