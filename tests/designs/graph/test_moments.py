"""Dates in expressions: comparing, reading, calendar arithmetic, zones and patterns."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.expressions import Expression, ExpressionError
from tests.graphs import examples

STARTED = {"execution": {"started_at": "2026-02-28T15:31:58.250000+00:00"}, "input": {}}


def value(source: str, scope: Any = STARTED) -> Any:
    return Expression.compile(source).evaluate(scope)


def error_of(source: str, scope: Any = STARTED) -> str:
    with pytest.raises(ExpressionError) as caught:
        value(source, scope)
    return caught.value.message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("'2026-03-01T10:00:00+02:00' < '2026-03-01T09:00:00Z'", True),
        ("'2026-03-01T10:00:00+02:00' > '2026-03-01T09:00:00Z'", False),
        ("'2026-03-01T10:00:00+01:00' <= '2026-03-01T09:00:00Z'", True),
        ("'2026-03-01T10:00:00+01:00' >= '2026-03-01T09:00:00Z'", True),
        ("'2026-03-01T10:00:00+01:00' < '2026-03-01T09:00:00Z'", False),
        ("'2026-03-01T10:00:00+01:00' == '2026-03-01T09:00:00Z'", False),
        ("'2026-03-01T09:00:00.5Z' > '2026-03-01T09:00:00Z'", True),
        ("'2026-03-01t09:00:00z' <= '2026-03-01T09:00:00Z'", True),
        ("'0001-01-01T00:00:00+14:00' < '0001-01-01T00:00:00Z'", True),
        ("'9999-12-31T23:59:59-12:00' > '9999-12-31T23:59:59Z'", True),
        ("'2026-03-01' < '2026-03-02'", True),
        # Anything else is compared by its characters.
        ("'2026-03-01' < '2026-03-01T00:00:00Z'", True),
        ("'2026-13-01T10:00:00+02:00' < '2026-13-01T09:00:00Z'", False),
        ("'2026-03-01T10:00:00' < '2026-03-01T09:00:00Z'", False),
        ("'b' > 'a'", True),
    ],
)
def test_moments_are_compared_as_moments_and_all_other_texts_by_characters(
    source: str, expected: bool
) -> None:
    assert value(source) is expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("now()", "2026-02-28T15:31:58.250000Z"),
        ("now() > '2026-02-28T16:00:00+01:00'", True),
        ("`[1]`[?now() == '2026-02-28T15:31:58.250000Z']", [1]),
        ("date('2026-03-01')", "2026-03-01T00:00:00Z"),
        ("date('2026-03-01', 'Europe/Berlin')", "2026-02-28T23:00:00Z"),
        ("date('2026-03-01T09:00:00+02:00', 'Asia/Tokyo')", "2026-03-01T07:00:00Z"),
        ("date('2026-03-01 09:00:00')", "2026-03-01T09:00:00Z"),
        ("date('2026-03-01T09:00:00.1234567Z')", "2026-03-01T09:00:00.123456Z"),
        ("date(-1.5)", "1969-12-31T23:59:58.500000Z"),
        # The clock is put forward from 2 to 3 on 29 March, and back from 3 to 2 on 25 October.
        ("date('2026-03-29T02:30:00', 'Europe/Berlin')", "2026-03-29T01:30:00Z"),
        ("date('2026-10-25T02:30:00', 'Europe/Berlin')", "2026-10-25T00:30:00Z"),
        (
            "date_add('2026-03-28T12:00:00+01:00', 1, 'day', 'Europe/Berlin')",
            "2026-03-29T10:00:00Z",
        ),
        (
            "date_add('2026-03-28T12:00:00+01:00', 24, 'hours', 'Europe/Berlin')",
            "2026-03-29T11:00:00Z",
        ),
        ("date_add('2026-01-31', 1, 'month')", "2026-02-28"),
        ("date_add('2028-02-29', -1, 'year')", "2027-02-28"),
        ("date_add('2026-01-31', 13, 'months')", "2027-02-28"),
        ("date_add('2026-01-31', 36, 'hours')", "2026-02-01T12:00:00Z"),
        ("date_add('2026-01-31T00:00:00Z', 1.5, 'minutes')", "2026-01-31T00:01:30Z"),
        ("date_diff('2026-01-31', '2026-03-01', 'months')", 1),
        ("date_diff('2026-03-01', '2026-01-31', 'months')", -1),
        ("date_diff('2024-02-29', '2026-02-28', 'years')", 1),
        ("date_diff('2026-01-01', '2026-01-02T12:00:00Z', 'days')", 1.5),
        ("timestamp('9999-12-31T23:59:59Z')", 253402300799),
        ("format_date('0001-01-01', '%Y-%m-%d %j %a')", "0001-01-01 001 Mon"),
        (
            "format_date('2026-12-31', '%G-W%V-%u, %A %e. %B %y')",
            "2026-W53-4, Thursday 31. December 26",
        ),
        (
            "format_date('2026-07-01T23:05:09Z', '%I:%M:%S %p %z %Z', 'America/New_York')",
            "07:05:09 PM -04:00 EDT",
        ),
        ("format_date('2026-07-01', '100 %% %%Y %%%Y%')", "100 % %Y %2026%"),
    ],
)
def test_what_dates_give(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "date('1.3.2026')",
            "'1.3.2026' is no date. Write it as 2026-03-01 or 2026-03-01T09:00:00Z.",
        ),
        ("date('2026-02-30')", "'2026-02-30' is no date."),
        ("date('0000-01-01')", "is no date."),
        ("date('2026-03-01T24:00:00Z')", "is no date."),
        (
            "date('0001-01-01T00:00:00+01:00')",
            "a date is before the year 1 or after the year 9999.",
        ),
        (
            "date('9999-12-31T23:00:00-02:00')",
            "a date is before the year 1 or after the year 9999.",
        ),
        ("date(1e300)", "before the year 1 or after"),
        (
            "date_add('9999-12-31', 1, 'day')",
            "the date is before the year 1 or after the year 9999.",
        ),
        ("date_add('2026-01-01', -3000, 'years')", "the date is before the year 1"),
        ("date_add('2026-01-01', 1e300, 'weeks')", "the date is before the year 1"),
        ("date_add('2026-01-01T00:00:00Z', 0.5, 'months')", "only whole months and years"),
        ("date_add('2026-01-01', 0.5, 'days')", "to a date without a time only whole days"),
        ("date_add('2026-01-01', 1, 'fortnight')", "there is no unit 'fortnight'. The units are"),
        (
            "format_date('9999-12-31T23:00:00Z', '%Y', 'Asia/Tokyo')",
            "outside of the years 1 to 9999",
        ),
        ("format_date('2026-01-01', '%Q')", "does not know '%Q'. It knows %Y"),
        ("date('2026-01-01', '../../etc/passwd')", "there is no time zone '../../etc/passwd'."),
        ("date('2026-01-01', 'Europe')", "there is no time zone 'Europe'. Name one as"),
        ("date('2026-01-01', 'right/UTC')", "there is no time zone"),
        ("now('x')", "now() takes 0 arguments, not 1."),
    ],
)
def test_what_is_no_date_is_told(source: str, sentence: str) -> None:
    assert sentence in error_of(source)


def test_now_has_no_value_before_a_run() -> None:
    assert "now() is when the run began, and none has." in error_of("now()", {"input": {}})


moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
)


@examples(300)
@given(moments, moments)
def test_any_two_moments_are_in_their_order(first: datetime, second: datetime) -> None:
    scope = {"input": {"a": first.isoformat(), "b": second.isoformat()}}
    found = value("input.[a < b, a <= b, a > b, a >= b]", scope)
    assert found == [first < second, first <= second, first > second, first >= second]
    in_utc = value("[date(input.a), date(input.b)]", scope)
    assert [datetime.fromisoformat(text) for text in in_utc] == [first, second]


texts = st.text(alphabet="0123456789-:.+TZtz ", max_size=32) | moments.map(datetime.isoformat)
units = st.sampled_from(["seconds", "hours", "days", "weeks", "months", "years"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "Asia/Kathmandu", "Nowhere", "a"])


@examples(400)
@given(texts | st.floats() | st.integers(), st.floats() | st.integers(), units, zones)
def test_whatever_comes_gives_dates_or_a_sentence(
    at: Any, amount: Any, unit: str, zone: str
) -> None:
    scope = {"input": {"at": at, "amount": amount, "unit": unit, "zone": zone}}
    for source in (
        "date(input.at, input.zone)",
        "date_add(input.at, input.amount, input.unit, input.zone)",
        "date_diff(input.at, '2026-01-01', input.unit)",
        "format_date(input.at, '%Y-%m-%dT%H:%M:%S%z', input.zone)",
        "timestamp(input.at)",
        "input.at < '2026-03-01T09:00:00+01:00'",
    ):
        try:
            found = value(source, scope)
        except ExpressionError as error:
            assert error.message.endswith(".")  # noqa: PT017
        else:
            json.dumps(found, allow_nan=False)
            if isinstance(found, str) and source.startswith("date("):
                assert datetime.fromisoformat(found).tzinfo == UTC
