"""Filters of execution lists, the same for pages and API."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import django_filters
from django import forms

from designs.api.filters import DayFilter, FlagFilter, TimeFilter
from executor.models import Execution, Status, Trigger, parse_execution_id
from executor.models.causes import MAX_LENGTH


class ExecutionFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    trigger_type = django_filters.ChoiceFilter(choices=Trigger.choices)
    started_after = TimeFilter(method="from_time")
    started_before = TimeFilter(method="until_time")
    degraded = FlagFilter()
    design_id = django_filters.UUIDFilter()
    cause = django_filters.CharFilter(max_length=MAX_LENGTH)
    tries = FlagFilter(field_name="deployment", lookup_expr="isnull")

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    def from_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.created_from(value)

    def until_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.created_until(value)


class HistoryFilter(django_filters.FilterSet):
    """For people; dates are whole days in UTC."""

    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    trigger_type = django_filters.ChoiceFilter(
        label="Started by", choices=Trigger.choices, empty_label="Anything"
    )
    started_after = DayFilter(label="From", method="from_day")
    started_before = DayFilter(label="Until", method="until_day")
    text = django_filters.CharFilter(label="Search", method="with_text", max_length=200)
    deployment = django_filters.UUIDFilter(
        field_name="deployment_id", widget=forms.HiddenInput, label="Deployment"
    )
    cause = django_filters.CharFilter(
        max_length=MAX_LENGTH, widget=forms.HiddenInput, label="Cause"
    )

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("started_after", "started_before"):
            self.form.fields[name].widget.input_type = "date"
        self.form.fields["text"].widget.attrs["placeholder"] = (
            "path, design, person, key, schedule or id"
        )

    def from_day(self, rows: Any, name: str, value: date) -> Any:
        return rows.created_from(datetime.combine(value, time.min, UTC))

    def until_day(self, rows: Any, name: str, value: date) -> Any:
        return rows.created_until(datetime.combine(value, time.min, UTC) + timedelta(days=1))

    def with_text(self, rows: Any, name: str, value: str) -> Any:
        pk = parse_execution_id(value.strip())
        if pk is not None:
            return rows.filter(pk=pk)
        return rows.about(value, self.request.caller)
