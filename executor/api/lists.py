"""Pages of execution lists, shared by all API calls that list executions."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter

from designs.api.base import CursorPages
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


class ExecutionPages(CursorPages):
    """Executions, the last one accepted first."""
