"""Adds, changes and deletes exclusion calendars.

Before a change, the schedules that use the calendar serve what was due until now by its old days;
after it their next runs are planned anew. Their due times stay, so nothing is lost or doubled.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from deployments.errors import CalendarInUse, CalendarInvalid
from deployments.models import ExclusionCalendar, Schedule
from deployments.models.calendar import span_of
from deployments.schedules import rules, store
from deployments.schedules.serving import lock_caught_up
from designs.errors import RowGone
from designs.rows.ids import new_id
from designs.rows.locking import lock_row

MAX_NAME = 80
MAX_ENTRIES = 1_000
MAX_DAYS_OF_ENTRY = 366
MAX_DAYS = 4_000
YEARS = range(1970, 2201)
DAY_RULE = "Write a day as in 2026-12-24."
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

Entry = dict[str, str]


def create_calendar(*, name: str, entries: Sequence[Any] = ()) -> ExclusionCalendar:
    """Raises CalendarInvalid."""
    name, read = _read(name, entries)
    return _saved(ExclusionCalendar(name=name, entries=read))


def change_calendar(
    *, calendar: ExclusionCalendar, name: str, entries: Sequence[Any]
) -> ExclusionCalendar:
    """Replace its name and days. Raises CalendarInvalid, RowGone."""
    name, read = _read(name, entries)
    with transaction.atomic():
        row, schedules = _locked(calendar)
        if read == row.entries:
            row.name = name
            return _saved(row)
        row.name, row.entries, row.edition = name, read, new_id()
        _saved(row)
        for schedule in schedules:
            schedule.calendar = row
            plan_anew(schedule)
        return row


def delete_calendar(*, calendar: ExclusionCalendar, confirmed: bool = False) -> None:
    """Schedules that use it run on all days from then on, which must be `confirmed`. Raises
    CalendarInUse, RowGone.
    """
    with transaction.atomic():
        row, schedules = _locked(calendar, to_delete=True)
        if schedules and not confirmed:
            many = len(schedules)
            raise CalendarInUse(
                f"{many} schedule{'s use' if many > 1 else ' uses'} this calendar. "
                "Confirm that they are to run on its days, too."
            )
        for schedule in schedules:
            schedule.calendar = None
            plan_anew(schedule)
        row.delete()


def plan_anew(schedule: Schedule) -> None:
    """Save the calendar of a locked schedule, and its next run by the due time that it has."""
    rule = store.readable_rule(schedule)
    if rule is not None:
        rules.plan_run(schedule, rule)
    schedule.save(update_fields=["calendar", "next_run_at", "updated_at"])


def _locked(
    calendar: ExclusionCalendar, *, to_delete: bool = False
) -> tuple[ExclusionCalendar, list[Schedule]]:
    """The calendar and the schedules that use it, caught up. Raises RowGone.

    In the order in which saving a schedule locks: a schedule, then its calendar. One that began to
    use the calendar before it was locked is locked in another round; the end of the inner
    transaction gives the calendar free for it.
    """
    rows = ExclusionCalendar.objects.all()
    while True:
        schedules = [found for each in _users_of(calendar) if (found := _caught_up(each))]
        try:
            with transaction.atomic():
                row = lock_row(rows, calendar.pk, to_delete=to_delete)
                users = set(_users_of(row).values_list("pk", flat=True))
                if users - {schedule.pk for schedule in schedules}:
                    raise _AnotherUser
                return row, [schedule for schedule in schedules if schedule.pk in users]
        except _AnotherUser:
            continue


class _AnotherUser(Exception):
    """A schedule began to use the calendar meanwhile."""


def _caught_up(schedule: Schedule) -> Schedule | None:
    """None if it was deleted meanwhile."""
    try:
        return lock_caught_up(schedule)
    except RowGone:
        return None


def _users_of(calendar: ExclusionCalendar) -> Any:
    # In the order in which all processes lock schedules.
    return Schedule.objects.filter(calendar=calendar).order_by("pk")


def _saved(calendar: ExclusionCalendar) -> ExclusionCalendar:
    try:
        with transaction.atomic():
            calendar.save()
    except IntegrityError as error:
        taken = f"There is a calendar named “{calendar.name}” already."
        raise CalendarInvalid({"name": [taken]}) from error
    return calendar


# --- What is written ------------------------------------------------------------------------------


def _read(name: str, entries: Sequence[Any]) -> tuple[str, list[Entry]]:
    errors: dict[str, list[str]] = {}
    name = " ".join(name.replace("\0", "").split())
    if not name or len(name) > MAX_NAME:
        errors["name"] = [f"Give the calendar a name of up to {MAX_NAME} characters."]
    read: list[Entry] = []
    try:
        read = read_entries(entries)
    except CalendarInvalid as error:
        errors.update(error.errors)
    if errors:
        raise CalendarInvalid(errors)
    return name, read


def read_entries(entries: Sequence[Any]) -> list[Entry]:
    """Sorted, each once. Raises CalendarInvalid, which names the first that cannot be read."""
    if len(entries) > MAX_ENTRIES:
        raise _bad(f"A calendar has up to {MAX_ENTRIES:,} dates and ranges; join some.")
    unique = {
        (entry["from"], entry["until"], entry["name"]): entry for entry in map(_entry, entries)
    }
    read = [unique[key] for key in sorted(unique)]
    days = sum((last - first).days + 1 for first, last in map(span_of, read))
    if days > MAX_DAYS:
        raise _bad(f"A calendar leaves out up to {MAX_DAYS:,} days; these are {days:,}.")
    return read


def _entry(entry: Any) -> Entry:
    if not isinstance(entry, dict):
        raise _bad("Write each entry as an object with `from`, `until` and `name`.")
    first = _day(entry.get("from"))
    last = _day(entry.get("until") or entry.get("from"))
    name = " ".join(str(entry.get("name") or "").replace("\0", "").split())[:MAX_NAME]
    if last < first:
        raise _bad(f"The range {first} to {last} ends before it begins.")
    if (last - first).days >= MAX_DAYS_OF_ENTRY:
        raise _bad(f"The range {first} to {last} is longer than a year.")
    return {"from": first.isoformat(), "until": last.isoformat(), "name": name}


def _day(value: Any) -> date:
    text = str(value or "").strip()
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise _bad(f"“{text[:40]}” is no day. {DAY_RULE}")
    if day.year not in YEARS:
        raise _bad(f"{day} is too far away: choose a year from {YEARS[0]} to {YEARS[-1]}.")
    return day


def _bad(sentence: str) -> CalendarInvalid:
    return CalendarInvalid({"entries": [sentence]})


# One line an entry: 2026-12-24, or 2026-12-24 to 2026-12-26, and a name behind it.
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LINE = re.compile(
    rf"({_DATE})(?:\s*(?:to|until|–|—|\.\.|-|/)\s*({_DATE}))?(?:[\s,;:]+(.*))?", re.ASCII
)


def entries_of_text(text: str) -> list[dict[str, str]]:
    """Reads lines as people write them: a day or `day to day`, then a name; checks no days."""
    entries = []
    for line in text.replace("\0", "").splitlines()[: MAX_ENTRIES * 2]:
        words = line[:200].strip()
        found = _LINE.fullmatch(words)
        if found:
            first, last, name = found.groups("")
            entries.append({"from": first, "until": last or first, "name": name})
        elif words:
            # No day, which is said where days are checked.
            entries.append({"from": words, "until": words, "name": ""})
    return entries


def text_of_entries(entries: Sequence[Entry]) -> str:
    lines = []
    for entry in entries:
        days = entry["from"]
        if entry["until"] != entry["from"]:
            days += f" to {entry['until']}"
        lines.append(f"{days} {entry['name']}".strip())
    return "\n".join(lines)
