"""The form of an exclusion calendar."""

from __future__ import annotations

from typing import Any

from django import forms

from deployments.models import ExclusionCalendar
from deployments.schedules.calendars import MAX_NAME, entries_of_text, text_of_entries

MAX_TEXT = 200_000


class CalendarForm(forms.Form):
    name = forms.CharField(label="Name", max_length=MAX_NAME)
    entries = forms.CharField(
        label="Days",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "code"}),
        help_text="One date or range a line, with a name if you like: 2026-12-24 to 2026-12-26 "
        "Christmas.",
    )
    file = forms.FileField(
        label="Import from iCalendar (.ics)",
        required=False,
        help_text="Its events are added to the days above, repeated ones for five years.",
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )

    def days(self) -> list[dict[str, str]]:
        return entries_of_text(self.cleaned_data["entries"])

    @staticmethod
    def initial_of(calendar: ExclusionCalendar) -> dict[str, Any]:
        return {"name": calendar.name, "entries": text_of_entries(calendar.entries)}
