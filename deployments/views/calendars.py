"""The pages of exclusion calendars: days on which the schedules that use them do not run."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from deployments.errors import CalendarInvalid
from deployments.forms.calendars import CalendarForm
from deployments.models import ExclusionCalendar, Schedule
from deployments.schedules import store
from deployments.schedules.calendars import change_calendar, create_calendar, delete_calendar
from deployments.schedules.icalendar_files import MAX_BYTES, read_icalendar
from deployments.views.answers import form_page, go
from designs.access import Caller
from designs.requests import PageRequest, page_of, requires

VIEW = "deployments.view_exclusioncalendar"
SHOWN_USERS = 50


@require_safe
@requires(VIEW)
def calendar_list(request: PageRequest) -> HttpResponse:
    rows = ExclusionCalendar.objects.for_caller(request.caller).annotate(users=Count("schedules"))
    calendars, links = page_of(request, rows.order_by("name"))
    today = timezone.localdate()
    shown = [(row, _next_entry(row, today)) for row in calendars]
    may_add = request.caller.may("deployments.add_exclusioncalendar")
    context = {"calendars": shown, "may_add": may_add, **links}
    return render(request, "deployments/calendar_list.html", context)


def _next_entry(calendar: ExclusionCalendar, today: Any) -> dict[str, str] | None:
    day = today.isoformat()
    return next((entry for entry in calendar.entries if entry["until"] >= day), None)


@require_safe
@requires(VIEW)
def calendar_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    calendar = _find(request, pk)
    context = {
        "calendar": calendar,
        "today": timezone.localdate().isoformat(),
        "may_change": request.caller.may("deployments.change_exclusioncalendar"),
        "may_delete": request.caller.may("deployments.delete_exclusioncalendar"),
        **_users(request.caller, calendar),
    }
    return render(request, "deployments/calendar_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.add_exclusioncalendar")
def calendar_new(request: PageRequest) -> HttpResponse:
    return _form(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.change_exclusioncalendar")
def calendar_edit(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    return _form(request, _find(request, pk))


def _form(request: PageRequest, calendar: ExclusionCalendar | None) -> HttpResponse:
    """A calendar to add, or to change."""
    initial = {} if calendar is None else CalendarForm.initial_of(calendar)
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = CalendarForm(data, files, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            saved, warnings = _save(form, calendar)
        except CalendarInvalid as error:
            for name, sentences in error.errors.items():
                form.add_error(name, sentences)  # type: ignore[arg-type]
        else:
            for warning in warnings:
                messages.warning(request, warning)
            messages.success(request, f"“{saved.name}” leaves out {saved.exclusions.days:,} days.")
            return go(request, "deployments:calendar-detail", pk=saved.pk)
    name = "calendar_new" if calendar is None else "calendar_edit"
    return form_page(request, name, form, calendar=calendar)


def _save(
    form: CalendarForm, calendar: ExclusionCalendar | None
) -> tuple[ExclusionCalendar, list[str]]:
    entries, warnings = form.days(), []
    upload = form.cleaned_data["file"]
    if upload is not None:
        read = read_icalendar(upload.read(MAX_BYTES + 1), today=timezone.localdate())
        if not read.entries:
            read.warn("The file has no events from this year on.")
        entries, warnings = [*entries, *read.entries], read.warnings
    name = form.cleaned_data["name"]
    if calendar is None:
        return create_calendar(name=name, entries=entries), warnings
    return change_calendar(calendar=calendar, name=name, entries=entries), warnings


@require_http_methods(["GET", "HEAD", "POST"])
@requires("deployments.delete_exclusioncalendar")
def calendar_delete(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """Asks, and says which schedules would run on its days from then on."""
    calendar = _find(request, pk)
    if request.method == "POST":
        delete_calendar(calendar=calendar, confirmed=True)
        messages.success(request, f"The calendar “{calendar.name}” is deleted.")
        return go(request, "deployments:calendar-list")
    context = {"calendar": calendar, **_users(request.caller, calendar)}
    return render(request, "deployments/calendar_delete.html", context)


def _find(request: PageRequest, pk: uuid.UUID) -> ExclusionCalendar:
    rows = ExclusionCalendar.objects.for_caller(request.caller)
    calendar: ExclusionCalendar = get_object_or_404(rows, pk=pk)
    return calendar


def _users(caller: Caller, calendar: ExclusionCalendar) -> dict[str, Any]:
    """The schedules that use it: those that the person sees by name, the others as a number."""
    seen = Schedule.objects.for_caller(caller).with_rule().filter(calendar=calendar)
    rows = seen.select_related("deployment").defer("input_data").order_by("created_at")
    users = [(row, store.words_of(row)) for row in rows[:SHOWN_USERS]]
    return {"users": users, "other_users": calendar.schedules.count() - len(users)}
