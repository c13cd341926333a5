"""Days from iCalendar files: what they say, and that no file does harm."""

from __future__ import annotations

from datetime import MAXYEAR, date
from typing import Any

import pytest
from dateutil.rrule import rrulestr

from deployments.errors import CalendarInvalid
from deployments.schedules import icalendar_files
from deployments.schedules.icalendar_files import MAX_BYTES, FileRead, read_icalendar

TODAY = date(2026, 6, 1)


def calendar(*events: str, head: str = "") -> bytes:
    parts = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{head}{parts}END:VCALENDAR\r\n".encode()


def read(*events: str, head: str = "") -> FileRead:
    return read_icalendar(calendar(*events, head=head), today=TODAY)


def spans(found: FileRead) -> list[tuple[str, str]]:
    return [(entry["from"], entry["until"]) for entry in found.entries]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20261227", ("2026-12-24", "2026-12-26")),
        ("DTSTART;VALUE=DATE:20261224", ("2026-12-24", "2026-12-24")),
        ("DTSTART;VALUE=DATE:20261224\nDURATION:P3D", ("2026-12-24", "2026-12-26")),
        ("DTSTART:20261224T220000Z\nDTEND:20261225T030000Z", ("2026-12-24", "2026-12-25")),
        ("DTSTART:20261224T000000\nDTEND:20261225T000000", ("2026-12-24", "2026-12-24")),
        ("DTSTART;TZID=Nowhere/At-All:20261224T090000", ("2026-12-24", "2026-12-24")),
        ('DTSTART;TZID="../../etc/passwd";VALUE=DATE:20261224', ("2026-12-24", "2026-12-24")),
    ],
)
def test_events_are_days(event: str, expected: tuple[str, str]) -> None:
    found = read(event.replace("\n", "\r\n"))
    assert spans(found) == [expected]
    assert found.warnings == []


def test_names_are_unfolded_and_unescaped() -> None:
    found = read("DTSTART;VALUE=DATE:20261224\r\nSUMMARY:Christmas\\, <b>at\r\n  home</b>")
    assert found.entries[0]["name"] == "Christmas, <b>at home</b>"


def test_events_repeat_within_the_horizon() -> None:
    yearly = read("DTSTART;VALUE=DATE:20001003\r\nRRULE:FREQ=YEARLY")
    assert [first for first, _ in spans(yearly)] == [f"{year}-10-03" for year in range(2026, 2032)]
    assert "until the end of 2031" in yearly.warnings[0]
    monday = read(
        "DTSTART;VALUE=DATE:20260525\r\nEXDATE;VALUE=DATE:20270531\r\n"
        "RRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=3"
    )
    assert [first for first, _ in spans(monday)] == ["2026-05-25", "2028-05-29"]
    weeks = read("DTSTART:20260601T080000Z\r\nRRULE:FREQ=WEEKLY;UNTIL=20260615T080000Z\r\n"
                 "RDATE:20260701T080000Z")  # fmt: skip
    assert [first for first, _ in spans(weeks)] == [
        "2026-06-01", "2026-06-08", "2026-06-15", "2026-07-01",
    ]  # fmt: skip
    assert spans(read("DTSTART;VALUE=DATE:20200101\r\nDTEND;VALUE=DATE:20200102")) == []


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ("DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=SECONDLY", "not followed"),
        ("DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=DAILY;BYSETPOS=1;BYDAY=MO", "not followed"),
        ("DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=DAILY;INTERVAL=0", "not followed"),
        ("DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=DAILY", "repeats very often"),
        ("DTSTART;VALUE=DATE:00010101\r\nRRULE:FREQ=DAILY", "begins in 1"),
        ("DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20300601", "longer than a year"),
        ("DTSTART:not a date", "left out"),
        ("SUMMARY:No start", "left out"),
        ("DTSTART;VALUE=DATE:20260601\r\nRRULE:nonsense", ""),
        ("DTSTART;VALUE=DATE:20260601\r\nDURATION:P99999999999D", "left out"),
    ],
)
def test_what_is_not_followed_is_said(event: str, says: str) -> None:
    found = read(event, "DTSTART;VALUE=DATE:20261224")
    assert ("2026-12-24", "2026-12-24") in spans(found)
    assert says in " ".join(found.warnings)


def test_a_rule_that_no_day_fits_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    event = "DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"
    asked: list[Any] = []

    def counted(text: str, *, dtstart: Any, **options: Any) -> Any:
        asked.append(dtstart)
        return rrulestr(text, dtstart=dtstart, **options)

    monkeypatch.setattr(icalendar_files, "rrulestr", counted)
    assert spans(read(event)) == []
    # It is looked for in the last of all years: the library goes on to the end of them.
    assert asked
    assert all(start.year > MAXYEAR - 400 for start in asked)
    # With the same days of weeks, and leap years.
    leap = "DTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"
    assert spans(read(leap)) == [("2028-02-29", "2028-02-29")]


def test_work_is_limited_over_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icalendar_files, "MAX_PERIODS", 100)
    found = read(*["DTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=YEARLY"] * 30)
    assert "not followed" in " ".join(found.warnings)
    monkeypatch.setattr(icalendar_files, "MAX_EVENTS", 2)
    monkeypatch.setattr(icalendar_files, "MAX_FOUND", 1)
    found = read(*["DTSTART;VALUE=DATE:20261224"] * 3)
    assert len(found.entries) == 1
    assert len(found.warnings) == 2


ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
    "RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\n"
    "END:VTIMEZONE\r\n"
)


def test_zones_and_parts_of_events_are_not_even_read() -> None:
    alarm = "BEGIN:VALARM\r\nDTSTART;VALUE=DATE:20260101\r\nTRIGGER:-PT5M\r\nEND:VALARM"
    event = f"DTSTART;TZID=X:20261224T090000\r\n{alarm}\r\nATTACH:http://127.0.0.1/x"
    assert spans(read(event, head=ZONE)) == [("2026-12-24", "2026-12-24")]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\0" * 100, b"\xff\xfe" * 50, b"<html></html>", b"BEGIN:VEVENT\r\nEND:VEVENT",
        b"x" * (MAX_BYTES + 1), b"\n" * 50_000,
    ],
)  # fmt: skip
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(CalendarInvalid) as refused:
        read_icalendar(data, today=TODAY)
    assert list(refused.value.errors) == ["file"]


@pytest.mark.parametrize(
    "data",
    [
        b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\n" * 9_000,
        b"BEGIN:VCALENDAR\r\n" * 9_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:" + b"a;\"" * 300_000,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART" + b';X="' * 200_000 + b"\r\nEND:VEVENT",
        b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VEVENT",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nRRULE:FREQ=DAILY;BYDAY="
        + b",".join([b"MO"] * 100_000) + b"\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT",
    ],
)  # fmt: skip
def test_broken_files_do_no_harm(data: bytes) -> None:
    try:
        found = read_icalendar(data, today=TODAY)
    except CalendarInvalid:
        return
    assert len(found.entries) <= 2


@pytest.mark.parametrize("frequency", ["DAILY", "YEARLY"])
def test_rules_that_no_day_fits_use_up_what_a_file_may_cost(frequency: str) -> None:
    never = f"DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ={frequency};BYMONTH=2;BYMONTHDAY=31"
    found = read(*[never] * 8)
    assert any("is not followed" in warning for warning in found.warnings)
    # One that ended before it began says nothing, and costs nothing.
    ended = "DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY;UNTIL=20251231"
    assert not read(*[ended] * 8).warnings
