"""Lists of executions, shared by all API calls that answer one."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.lists import BoundedCursorPages, answer_page
from executor.api.serializers import ExecutionOut
from executor.history.filters import ExecutionFilter
from executor.history.quotes import PAYLOAD
from executor.history.sorting import NEWEST, ORDERS
from executor.models import Execution, Status, Trigger

_ID = {"type": "string", "format": "uuid"}
_TIME = {"type": "string", "format": "date-time"}
# The parameters of `executor.history.filters.ExecutionFilter`.
FILTERS = [
    OpenApiParameter(
        "status", many=True, enum=Status.values, description="One or several; repeat it."
    ),
    OpenApiParameter("trigger_type", enum=Trigger.values),
    OpenApiParameter("started_after", type=_TIME, description="Accepted at that time or later."),
    OpenApiParameter("started_before", type=_TIME, description="Accepted before that time."),
    OpenApiParameter("degraded", type=bool),
    OpenApiParameter("design_id", type=_ID),
    OpenApiParameter("deployment_id", type=_ID),
    OpenApiParameter("tries", type=bool, description="Runs of designs without a deployment."),
    OpenApiParameter(
        "text",
        description="In the path, the design's name, the name of who or what started it, or the "
        "error of one of the latest runs that failed; or an id.",
    ),
    OpenApiParameter("user", description="The user name of the person it counts for."),
    OpenApiParameter("key", type=_ID, description="The API key of the call."),
    OpenApiParameter("version", type=int, description="The number of the design's version."),
    OpenApiParameter("cause", description="As in `cause` of a failed execution."),
    OpenApiParameter(
        "sort",
        enum=list(ORDERS),
        description="By start, duration or cost; with - the largest first. Runs without a "
        "duration or a known cost are left out of these orders.",
    ),
    OpenApiParameter(
        "limit",
        type=int,
        description="From 1 to 500. A page ends early after 2 MB; `next` is the following page.",
    ),
    OpenApiParameter("cursor"),
]


class ExecutionPages(BoundedCursorPages):
    """Executions, the last one accepted first, or in the order of `sort`."""

    def beyond(self, rows: Any, position: uuid.UUID | None, reverse: bool) -> Any:
        name = self.request.query_params.get("sort") or NEWEST
        order = ORDERS[name]
        if position is None:
            return order.sort(rows, backwards=reverse)
        found = order.beyond(rows, position, backwards=reverse)
        if found is None:
            raise NotFound("There is no such cursor.")
        return found


def answer_executions(view: ApiView, **which: Any) -> Response:
    rows = Execution.objects.for_caller(view.caller).filter(**which)
    rows = rows.select_related("version").defer(
        "document", "version__document", "given_outputs", "edited"
    )
    large: tuple[str, ...] = ("input_data", "result_data")
    if not view.caller.may(PAYLOAD):
        rows, large = rows.defer(*large), ()
    return answer_page(
        view, ExecutionPages(), rows, ExecutionOut, filters=ExecutionFilter, large=large
    )
