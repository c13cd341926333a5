"""Filters and pages of execution lists, shared by all that list executions."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework.pagination import CursorPagination

from designs.api.base import page_schema
from executor.models import Execution, Trigger
from executor.states import Status


class ExecutionFilter(django_filters.FilterSet):
    status = django_filters.MultipleChoiceFilter(choices=Status.choices)
    trigger_type = django_filters.ChoiceFilter(choices=Trigger.choices)
    started_after = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    started_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
    degraded = django_filters.BooleanFilter()

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()


class ExecutionPages(CursorPagination):
    """Newest first, by cursor: the thousandth page costs what the first does."""

    ordering = ("-created_at", "-id")
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 500

    def get_paginated_response(self, data: Any) -> Any:
        answer = super().get_paginated_response(data)
        answer.data = {
            "results": data,
            "next": self.get_next_link(),
            "previous": self.get_previous_link(),
        }
        return answer

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)
