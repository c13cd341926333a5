"""Lists of executions, shared by all API calls that answer one."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.lists import BoundedCursorPages, answer_page
from executor.api.serializers import ExecutionOut
from executor.history.filters import ExecutionFilter
from executor.history.quotes import PAYLOAD
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
    OpenApiParameter("tries", type=bool, description="Runs of designs without a deployment."),
    OpenApiParameter(
        "limit",
        type=int,
        description="From 1 to 500. A page ends early after 2 MB; `next` is the following page.",
    ),
    OpenApiParameter("cursor"),
]


class ExecutionPages(BoundedCursorPages):
    """Executions, the last one accepted first."""


def answer_executions(view: ApiView, **which: Any) -> Response:
    rows = Execution.objects.for_caller(view.caller).filter(**which)
    rows = rows.select_related("version").defer("document", "version__document", "given_outputs")
    large: tuple[str, ...] = ("input_data", "result_data")
    if not view.caller.may(PAYLOAD):
        rows, large = rows.defer(*large), ()
    return answer_page(
        view, ExecutionPages(), rows, ExecutionOut, filters=ExecutionFilter, large=large
    )
