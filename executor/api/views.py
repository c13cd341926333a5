"""The API of executions."""

from __future__ import annotations

from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.lists import BoundedPages, answer_page, filtered_rows
from designs.api.permissions import require
from designs.api.serializers import DesignOut
from designs.api.views.base import DesignBase
from executor.api.lists import FILTERS, answer_executions
from executor.api.serializers import (
    AcceptedOut,
    ExecutionDetailOut,
    ExecutionOut,
    RerunIn,
    ResumeIn,
    StepOut,
    steps_for,
)
from executor.api.suggestion_serializers import SuggestionApplyIn, SuggestionListOut
from executor.history.suggestions import apply_review, judged_suggestions
from executor.models import Execution, parse_execution_id
from executor.services import cancel_execution, rerun_execution, resume_execution

ONE_BLOCK = OpenApiParameter(
    "block", description="Only this block, by its id, with its whole output."
)


class BlockFilter(django_filters.FilterSet):
    """Only validates the parameter: `ExecutionDetailOut` applies it."""

    block = django_filters.CharFilter(max_length=64, method="filter_nothing")

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    def filter_nothing(self, rows: Any, name: str, value: str) -> Any:
        return rows


class ExecutionListView(ApiView):
    """Everything the caller may see, newest first."""

    permissions = {"GET": "executor.view_execution"}

    @extend_schema(
        operation_id="executions_list",
        parameters=FILTERS,
        responses={200: ExecutionOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        return answer_executions(self)


class ExecutionDetailView(ApiView):
    """One execution with its blocks and steps."""

    permissions = {"GET": "executor.view_execution"}

    @extend_schema(
        operation_id="executions_read",
        parameters=[ONE_BLOCK],
        responses={200: ExecutionDetailOut},
    )
    def get(self, request: Request, execution_id: str) -> Response:
        return detail_answer(self, find_execution(self, execution_id))


class ExecutionStepListView(ApiView):
    """The steps of one execution, in the order in which they were finished."""

    permissions = {"GET": "executor.view_execution"}
    pagination_class = BoundedPages

    @extend_schema(
        operation_id="executions_steps",
        parameters=[
            OpenApiParameter("limit", type=int, description="A page ends early after 2 MB."),
            OpenApiParameter("offset", type=int),
        ],
        responses={200: StepOut(many=True)},
    )
    def get(self, request: Request, execution_id: str) -> Response:
        execution = find_execution(self, execution_id)
        rows, large = steps_for(self.caller, execution)
        return answer_page(self, BoundedPages(), rows, StepOut, large=large)


class ExecutionCancelView(ApiView):
    """Stop an execution."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="executions_cancel", request=None, responses={202: ExecutionOut})
    def post(self, request: Request, execution_id: str) -> Response:
        execution = find_execution(self, execution_id)
        cancel_execution(execution=execution, caller=self.caller)
        execution.refresh_from_db()
        data = ExecutionOut(execution, context={"caller": self.caller}).data
        return Response(data, status=status.HTTP_202_ACCEPTED)


class ExecutionRerunView(ApiView):
    """Start an execution again, from the beginning."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="executions_rerun", request=RerunIn, responses={202: AcceptedOut})
    def post(self, request: Request, execution_id: str) -> Response:
        """The same input, with the same version or the design's newest one."""
        execution = find_execution(self, execution_id)
        body = RerunIn(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        execution = rerun_execution(
            execution=execution,
            caller=self.caller,
            newest=given["version"] == "newest",
            input_data=given["input_data"],
        )
        return accepted(execution)


class ExecutionResumeView(ApiView):
    """Continue an execution that failed, timed out or was cancelled."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="executions_resume", request=ResumeIn, responses={202: AcceptedOut})
    def post(self, request: Request, execution_id: str) -> Response:
        """Starts a new execution; finished steps are neither run nor paid again. From a `block` on
        everything runs again, with what is `given` to it. With `only: failed` a completed execution
        is taken too: lost items and blocks are played again, and what depends on them.
        """
        execution = find_execution(self, execution_id)
        body = ResumeIn(data=request.data)
        body.is_valid(raise_exception=True)
        return accepted(
            resume_execution(execution=execution, caller=self.caller, **body.validated_data)
        )


class SuggestionListView(ApiView):
    """The prompts that a review of the design suggests for its agents."""

    permissions = {"GET": "executor.view_payload"}

    @extend_schema(operation_id="executions_suggestions", responses={200: SuggestionListOut})
    def get(self, request: Request, execution_id: str) -> Response:
        """Of all completed blocks with the mode `review_design`."""
        execution = find_execution(self, execution_id)
        suggestions = judged_suggestions(execution, self.caller)
        return Response(SuggestionListOut({"suggestions": suggestions}).data)


class SuggestionApplyView(DesignBase):
    """Put suggested prompts into the design's draft."""

    permissions = {"POST": "designs.change_design"}

    @extend_schema(
        operation_id="executions_suggestions_apply",
        request=SuggestionApplyIn,
        responses={200: DesignOut},
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """All of them, or none if one does not fit the draft any more."""
        require(self.caller, "executor.view_payload")
        execution = find_execution(self, execution_id)
        body = SuggestionApplyIn(data=request.data)
        body.is_valid(raise_exception=True)
        agents = body.validated_data["agents"]
        caller, revisions = self.caller, self.revisions
        design = apply_review(
            execution=execution, agents=agents, caller=caller, revisions=revisions
        )
        return self.design_response(design)


def accepted(execution: Execution) -> Response:
    """The answer for an execution that a worker runs."""
    url = f"/api/executions/{execution.pk}"
    body = {
        "execution_id": execution.public_id,
        "log_id": execution.pk,
        "status": execution.status,
        "status_url": url,
    }
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": url})


def detail_answer(view: ApiView, execution: Execution) -> Response:
    """The execution with as many blocks and steps as fit into a page."""
    filtered_rows(view, None, Execution.objects.none(), BlockFilter)
    context = {"caller": view.caller, "block": view.request.query_params.get("block")}
    return Response(ExecutionDetailOut(execution, context=context).data)


def find_execution(view: ApiView, text: str) -> Execution:
    """By its id or its name. Raises NotFound or Http404, also if the caller may not see it."""
    pk = parse_execution_id(text)
    if pk is None:
        raise NotFound("There is no such execution.")
    return get_object_or_404(
        Execution.objects.for_caller(view.caller).select_related("version"), pk=pk
    )
