"""The arithmetic of excluded days: whatever the rule, the zone and the days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from deployments.occurrences import (
    Rule,
    due_times,
    exclusions_of,
    is_left_out,
    next_allowed,
    next_due,
    next_runs,
)
from tests.deployments.test_occurrence_properties import ANCHOR, ZONES, expressions, readable, rule

# Around changes of clocks in most of the zones.
STARTS = st.sampled_from(
    [datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC), ANCHOR]
)
DAYS = st.dates(date(2025, 12, 30), date(2026, 12, 30))
SPANS = st.lists(st.tuples(DAYS, st.integers(0, 9)), max_size=12).map(
    lambda spans: [(first, first + timedelta(days=more)) for first, more in spans]
)


@given(spans=SPANS, day=DAYS)
@settings(max_examples=100)
def test_joined_spans_hold_the_same_days(spans: list[tuple[date, date]], day: date) -> None:
    joined = exclusions_of(spans)
    found = joined.span_of(day)
    assert (found is not None) == any(first <= day <= last for first, last in spans)
    assert found is None or found[0] <= day <= found[1]
    every = {
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    }
    assert joined.days == len(every)
    for (_, before), (after, _) in zip(joined.spans, joined.spans[1:], strict=False):
        assert after - before > timedelta(days=1)


@given(expression=expressions(), zone=ZONES, spans=SPANS, start=STARTS)
@settings(max_examples=120, deadline=None)
def test_what_is_left_is_what_is_not_left_out(
    expression: str, zone: str, spans: list[tuple[date, date]], start: datetime
) -> None:
    """The times that are jumped to, and those that are skipped one by one, are the same."""
    plan, excluded = rule(readable(expression), zone), exclusions_of(spans)
    until = start + timedelta(days=12)
    first = next_due(plan, start)
    planned = [] if first is None else due_times(plan, first, until, most=4_000)
    expected = [at for at in planned if not is_left_out(plan, excluded, at)][:40]
    at: datetime | None = start
    for wanted in expected:
        assert at is not None
        at = next_allowed(plan, excluded, at).at
        assert at == wanted
        days = [first <= wanted.astimezone(ZoneInfo(zone)).date() <= last for first, last in spans]
        assert not any(days)
    shown = next_runs(plan, start, most=min(len(expected), 5), excluded=excluded)
    assert [run.at for run in shown] == expected[:5]


def test_the_zone_decides_which_day_it_is() -> None:
    excluded = exclusions_of([(date(2026, 12, 25), date(2026, 12, 25))])
    after = datetime(2026, 12, 24, 12, tzinfo=UTC)
    for zone, expected in (
        ("Pacific/Auckland", datetime(2026, 12, 25, 11, 30, tzinfo=UTC)),
        ("UTC", datetime(2026, 12, 24, 20, 30, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 12, 24, 20, 30, tzinfo=UTC)),
    ):
        plan = rule("30 */1 * * *", zone)
        at = datetime(2026, 12, 24, 20, 0, tzinfo=UTC) if zone != "Pacific/Auckland" else after
        assert next_allowed(plan, excluded, at).at == expected


def test_a_midnight_that_does_not_exist_ends_a_day() -> None:
    # In Beirut clocks go from 00:00 to 01:00 on the 29th of March 2026.
    excluded = exclusions_of([(date(2026, 3, 28), date(2026, 3, 28))])
    plan = rule("*/15 * * * *", "Asia/Beirut")
    found = next_allowed(plan, excluded, datetime(2026, 3, 28, 3, tzinfo=UTC))
    assert found.at == datetime(2026, 3, 28, 22, tzinfo=UTC)
    assert found.left_out == ((date(2026, 3, 28), date(2026, 3, 28)),)


def test_days_that_are_years_apart_cost_a_step_a_span(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from deployments.occurrences import exclusions

    steps = 0

    def counted(plan: Rule, after: datetime) -> datetime | None:
        nonlocal steps
        steps += 1
        return next_due(plan, after)

    monkeypatch.setattr(exclusions, "next_due", counted)
    # Every second; and each leap day for a century, on a Monday.
    seconds = Rule(cron=None, every_seconds=1, timezone="UTC", anchor=ANCHOR)
    year = exclusions_of([(date(2026, 1, 1), date(2026, 12, 31))])
    assert next_allowed(seconds, year, ANCHOR).at == datetime(2027, 1, 1, tzinfo=UTC)
    assert steps == 2
    christmas = exclusions_of([(date(y, 12, 25), date(y, 12, 25)) for y in range(2026, 2100)])
    found = next_allowed(rule("0 0 25 12 *", "Europe/Berlin"), christmas, ANCHOR)
    assert found.at == datetime(2100, 12, 24, 23, tzinfo=UTC)
    assert steps == 2 + 75
    ending = Rule(
        cron="0 0 25 12 *", every_seconds=None, timezone="UTC", anchor=ANCHOR,
        end=datetime(2050, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    assert next_allowed(ending, christmas, ANCHOR).at is None
