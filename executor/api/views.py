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
    StepOut,
    SuggestionApplyIn,
    SuggestionListOut,
    TryIn,
    steps_for,
)
from executor.history.suggestions import apply_review, suggestions_of
from executor.models import Execution, parse_execution_id
from executor.services import (
    cancel_execution,
    rerun_execution,
    resume_execution,
    try_design,
)

ONE_BLOCK = OpenApiParameter(
    "block", description="Only this block, by its id, with its whole output."
)


class BlockFilter(django_filters.FilterSet):
    block = django_filters.CharFilter(max_length=64, method="chosen_elsewhere")

    class Meta:
        model = Execution
        fields: tuple[str, ...] = ()

    def chosen_elsewhere(self, rows: Any, name: str, value: str) -> Any:
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
            OpenApiParameter("limit", type=int, description="A page also ends where it has 2 MB."),
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
        shown = ExecutionOut(execution, context={"caller": self.caller}).data
        return Response(shown, status=status.HTTP_202_ACCEPTED)


class ExecutionRerunView(ApiView):
    """Start an execution again, from the beginning."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="executions_rerun", request=RerunIn, responses={202: AcceptedOut})
    def post(self, request: Request, execution_id: str) -> Response:
        """The same input, with the same version or the design's newest one."""
        execution = find_execution(self, execution_id)
        given = RerunIn(data=request.data)
        given.is_valid(raise_exception=True)
        newest = given.validated_data["version"] == "newest"
        again = rerun_execution(execution=execution, caller=self.caller, newest=newest)
        return accepted(again)


class ExecutionResumeView(ApiView):
    """Go on with an execution that failed, timed out or was cancelled."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="executions_resume", request=None, responses={202: AcceptedOut})
    def post(self, request: Request, execution_id: str) -> Response:
        """A new execution; steps that the old one finished are neither run nor paid again."""
        execution = find_execution(self, execution_id)
        return accepted(resume_execution(execution=execution, caller=self.caller))


class SuggestionListView(ApiView):
    """What a review of the design suggests for its agents' prompts."""

    permissions = {"GET": "executor.view_payload"}

    @extend_schema(operation_id="executions_suggestions", responses={200: SuggestionListOut})
    def get(self, request: Request, execution_id: str) -> Response:
        """Of all its blocks with the mode `review_design` that were completed."""
        execution = find_execution(self, execution_id)
        return Response(SuggestionListOut({"suggestions": suggestions_of(execution)}).data)


class SuggestionApplyView(DesignBase):
    """Put suggested prompts into the design's draft."""

    permissions = {"POST": "designs.change_design"}

    @extend_schema(
        operation_id="executions_suggestions_apply",
        request=SuggestionApplyIn,
        responses={200: DesignOut},
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """All that are named, or none if one of them does not fit the draft any more."""
        require(self.caller, "executor.view_payload")
        execution = find_execution(self, execution_id)
        given = SuggestionApplyIn(data=request.data)
        given.is_valid(raise_exception=True)
        design = apply_review(
            execution=execution, agents=given.validated_data["agents"], caller=self.caller
        )
        return self.shown(design)


class DesignExecuteView(DesignBase):
    """Try a design without deploying it."""

    permissions = {"POST": "designs.try_design"}

    @extend_schema(operation_id="designs_execute", request=TryIn, responses={202: AcceptedOut})
    def post(self, request: Request, pk: str) -> Response:
        """A worker runs it; `status_url` says how it goes."""
        design = self.design(pk)
        given = TryIn(data=request.data)
        given.is_valid(raise_exception=True)
        execution = try_design(design=design, caller=self.caller, **given.validated_data)
        return accepted(execution)


def accepted(execution: Execution) -> Response:
    """The answer for an execution that a worker runs: where to look."""
    url = f"/api/executions/{execution.pk}"
    body = {
        "execution_id": execution.public_id,
        "log_id": execution.pk,
        "status": execution.status,
        "status_url": url,
    }
    return Response(body, status=status.HTTP_202_ACCEPTED, headers={"Location": url})


def detail_answer(view: ApiView, execution: Execution) -> Response:
    """The execution with its blocks and steps, as far as the bytes of a page reach."""
    filtered_rows(view, None, Execution.objects.none(), BlockFilter)
    context = {"caller": view.caller, "block": view.request.query_params.get("block")}
    return Response(ExecutionDetailOut(execution, context=context).data)


def find_execution(view: ApiView, text: str) -> Execution:
    """By either name; raises 404 for what is not there for the caller."""
    pk = parse_execution_id(text)
    if pk is None:
        raise NotFound("There is no such execution.")
    return get_object_or_404(
        Execution.objects.for_caller(view.caller).select_related("version"), pk=pk
    )
