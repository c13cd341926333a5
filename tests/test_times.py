"""Times in pages: as text for everybody, and marked for the script by how they are shown."""

from __future__ import annotations

import datetime as dt

from django.template.loader import render_to_string

from deployments.forms.schedules import ScheduleForm

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def shown(**context: object) -> str:
    return render_to_string("includes/_time.html", context)


def test_a_time_is_relative_unless_its_place_says_otherwise() -> None:
    assert "data-relative>2026-01-05 09:00 UTC<" in shown(at=AT)
    assert "data-countdown>2026-01-05 09:00 UTC<" in shown(at=AT, shown_as="countdown")


def test_a_form_of_the_page_does_not_get_into_its_times() -> None:
    assert shown(at=AT, form=ScheduleForm()) == shown(at=AT)


def test_no_time_is_said_in_words() -> None:
    assert ">never<" in shown(at=None)
