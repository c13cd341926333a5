"""Days of calendars as they are written: what is read, and what is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.errors import CalendarInvalid
from deployments.schedules.calendars import (
    MAX_ENTRIES,
    create_calendar,
    entries_of_text,
    text_of_entries,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "entries",
    [
        [{"from": "2026-02-30"}], [{"from": "yesterday"}], [{}], ["2026-01-01"], [None],
        [{"from": "2026-01-02", "until": "2026-01-01"}], [{"from": "0001-01-01"}],
        [{"from": "2026-01-01", "until": "2028-01-01"}], [{"from": "9999-12-31"}],
        [{"from": ["2026-01-01"]}], [{"from": "２０２６-01-01"}], [{"from": "2026-W01-1"}],
        [{"from": "2026-01-01"}] * (MAX_ENTRIES + 1),
        [{"from": f"{year}-01-01", "until": f"{year}-12-31"} for year in range(2000, 2020)],
    ],
)  # fmt: skip
def test_odd_days_are_refused_in_words(entries: list[Any]) -> None:
    with pytest.raises(CalendarInvalid) as refused:
        create_calendar(name="Odd", entries=entries)
    assert list(refused.value.errors) == ["entries"]


def test_names_are_unique_and_lines_come_back_as_they_were() -> None:
    text = "2026-12-24 to 2026-12-26 Christmas\n2027-01-01 New Year's Day\n2027-05-01"
    calendar = create_calendar(name="  A  b ", entries=entries_of_text(text))
    assert (calendar.name, text_of_entries(calendar.entries)) == ("A b", text)
    same = (
        "2026-12-24 – 2026-12-26 Christmas\n\n2026-12-24..2026-12-26, Christmas\n"
        "2026-12-24 - 2026-12-26: Christmas\n2027-01-01\tNew Year's Day\n 2027-05-01 "
    )
    assert create_calendar(name="c", entries=entries_of_text(same)).entries == calendar.entries
    for name in ("A b", "", "\0", "n" * 81):
        with pytest.raises(CalendarInvalid):
            create_calendar(name=name)
