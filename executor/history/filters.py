"""Filters of execution lists, the same for pages and API."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, tzinfo
from typing import Any

import django_filters
from django import forms
from django.apps import apps
from django.contrib.auth.models import User
from django.db.models import Q

from designs.access import Caller
from designs.api.filters import FlagFilter, TimeFilter
from designs.models import DesignVersion
from executor.history.error_texts import runs_with_error
from executor.history.moments import MomentFilter, end_of, start_of, zone_named
from executor.history.sorting import NEWEST, ORDERS
from executor.models import Execution, Status, Trigger, parse_execution_id
from executor.models.causes import MAX_LENGTH as MAX_CAUSE
from executor.models.execution import matching_names

MAX_SEARCHED = 200
MAX_VERSION = 1_000_000


class _Filters(django_filters.FilterSet):
    """What both doors can ask for. It needs a request with a `caller`."""

    status = django_filters.MultipleChoiceFilter(choices=Status.choices, distinct=False)
    trigger_type = django_filters.ChoiceFilter(choices=Trigger.choices)
    degraded = FlagFilter()
    text = django_filters.CharFilter(method="with_text", max_length=MAX_SEARCHED)
    user = django_filters.CharFilter(method="by_user", max_length=150)
    key = django_filters.UUIDFilter(method="by_key")
    version = django_filters.NumberFilter(
        method="of_version", min_value=1, max_value=MAX_VERSION, decimal_places=0
    )
    cause = django_filters.CharFilter(max_length=MAX_CAUSE)

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    _found: Q | None = None

    @property
    def caller(self) -> Caller:
        caller: Caller = self.request.caller
        return caller

    def with_text(self, rows: Any, name: str, value: str) -> Any:
        if self._found is None:
            self._found = self._matching(value.strip())
        return rows.filter(self._found)

    def _matching(self, text: str) -> Q:
        pk = parse_execution_id(text)
        if pk is not None:
            return Q(pk=pk)
        return matching_names(text, self.caller) | Q(pk__in=runs_with_error(text, self.caller))

    def by_user(self, rows: Any, name: str, value: str) -> Any:
        people = User.objects.filter(username__iexact=value).values_list("pk", flat=True)
        return rows.filter(user__in=list(people[:10]))

    def by_key(self, rows: Any, name: str, value: Any) -> Any:
        keys: Any = apps.get_model("deployments", "ApiKey")._default_manager
        is_seen = keys.for_caller(self.caller).filter(pk=value).exists()
        return rows.filter(key_id=value) if is_seen else rows.none()

    def of_version(self, rows: Any, name: str, value: Any) -> Any:
        versions = DesignVersion.objects.filter(number=value)
        design = self.form.cleaned_data.get(self.DESIGN)
        if design:
            versions = versions.filter(design=design)
        return rows.filter(version__in=list(versions.values_list("pk", flat=True)[:500]))

    DESIGN = "design_id"

    def rows_without(self, *names: str) -> Any:
        """The rows that all filters but these choose."""
        rows = self.queryset.all()
        for name, value in self.form.cleaned_data.items():
            if name not in names:
                rows = self.filters[name].filter(rows, value)
        return rows


class ExecutionFilter(_Filters):
    """For the API; times have their offset."""

    started_after = TimeFilter(method="from_time")
    started_before = TimeFilter(method="until_time")
    design_id = django_filters.UUIDFilter()
    deployment_id = django_filters.UUIDFilter()
    tries = FlagFilter(field_name="deployment", lookup_expr="isnull")
    sort = django_filters.ChoiceFilter(
        method="unsorted", choices=[(name, order.label) for name, order in ORDERS.items()]
    )

    def from_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.created_from(value)

    def until_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.created_until(value)

    def unsorted(self, rows: Any, name: str, value: str) -> Any:
        """The pages sort."""
        return rows


class HistoryFilter(_Filters):
    """For people; local times are of the reader's `zone`."""

    status = django_filters.MultipleChoiceFilter(
        label="State",
        choices=Status.choices,
        distinct=False,
        widget=forms.CheckboxSelectMultiple,
    )
    trigger_type = django_filters.ChoiceFilter(
        label="Started by", choices=Trigger.choices, empty_label="Started by"
    )
    degraded = FlagFilter(
        label="Degraded",
        widget=forms.Select(choices=[("", "Any"), ("true", "Degraded"), ("false", "Not degraded")]),
    )
    text = django_filters.CharFilter(label="Search", method="with_text", max_length=MAX_SEARCHED)
    deployment = django_filters.UUIDFilter(
        label="Deployment", field_name="deployment_id", widget=forms.Select
    )
    design = django_filters.UUIDFilter(label="Design", field_name="design_id", widget=forms.Select)
    version = django_filters.NumberFilter(
        label="Version", method="of_version", min_value=1, max_value=MAX_VERSION, decimal_places=0
    )
    user = django_filters.CharFilter(label="Person", method="by_user", max_length=150)
    key = django_filters.UUIDFilter(label="API key", method="by_key", widget=forms.Select)
    cause = django_filters.CharFilter(label="Cause of failure", max_length=MAX_CAUSE)
    since = MomentFilter(label="Since", method="from_moment", max_length=40)
    until = MomentFilter(label="Until", method="until_moment", max_length=40)

    DESIGN = "design"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("since", "until"):
            self.form.fields[name].widget.input_type = "datetime-local"
        self.form.fields["text"].widget.attrs["placeholder"] = (
            "Path, design, person, id or error text"
        )

    @property
    def zone(self) -> tzinfo:
        return zone_named(self.data.get("zone", ""))

    @property
    def sort(self) -> str:
        name: str = self.data.get("sort", NEWEST)
        return name if name in ORDERS else NEWEST

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        since, until = (self.form.cleaned_data.get(name) for name in ("since", "until"))
        return since and start_of(since, self.zone), until and end_of(until, self.zone)

    @property
    def is_degraded(self) -> bool | None:
        flag: bool | None = self.form.cleaned_data.get("degraded")
        return flag

    @property
    def states(self) -> Collection[str]:
        states: Collection[str] = self.form.cleaned_data.get("status") or ()
        return states

    def from_moment(self, rows: Any, name: str, value: date | datetime) -> Any:
        return rows.created_from(start_of(value, self.zone))

    def until_moment(self, rows: Any, name: str, value: date | datetime) -> Any:
        return rows.created_until(end_of(value, self.zone))
