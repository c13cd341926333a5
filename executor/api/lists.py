"""Pages of execution lists, shared by all API calls that list executions."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.pagination import CursorPagination

from designs.api.base import page_schema
from executor.models import Trigger
from executor.states import Status

_TIME = {"type": "string", "format": "date-time"}
# What `executor.filters.ExecutionFilter` reads.
FILTERS = [
    OpenApiParameter(
        "status", many=True, enum=Status.values, description="One or several; repeat it."
    ),
    OpenApiParameter("trigger_type", enum=Trigger.values),
    OpenApiParameter("started_after", type=_TIME, description="Accepted at that time or later."),
    OpenApiParameter("started_before", type=_TIME, description="Accepted before that time."),
    OpenApiParameter("degraded", type=bool),
]


class ExecutionPages(CursorPagination):
    """Newest first, by cursor: the thousandth page costs what the first does."""

    ordering = ("-id",)
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
