"""The API of deployments: the calls that manage them, and their history."""

from __future__ import annotations

from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.serializers import (
    DeploymentChange,
    DeploymentIn,
    DeploymentOut,
    design_for,
)
from deployments.models import Deployment
from deployments.schedules.store import PREFETCH, first_input, first_schedules
from deployments.services import change_deployment, deploy_design, undeploy
from designs.api.base import ApiView
from designs.api.filters import OrderFilter
from designs.api.lists import BoundedPages, answer_page
from designs.api.permissions import require
from executor.api.lists import FILTERS, answer_executions
from executor.api.serializers import ExecutionDetailOut, ExecutionOut
from executor.api.views import ONE_BLOCK, detail_answer
from executor.history.totals import sums_of_deployments
from executor.models import Execution, parse_execution_id

ROWS = ("design", "version")
ORDER = ("endpoint_path", "created_at", "updated_at")


class DeploymentFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Deployment.Status.choices)
    design_id = django_filters.UUIDFilter(field_name="design_id")
    text = django_filters.CharFilter(
        method="with_text", label="Part of the path or the design's name", max_length=200
    )
    ordering = OrderFilter(fields=[(name, name) for name in ORDER])

    class Meta:
        model = Deployment
        fields: tuple[str, ...] = ()

    def with_text(self, rows: Any, name: str, value: str) -> Any:
        return rows.containing(value)


class DeploymentBase(ApiView):
    def rows(self) -> Any:
        return (
            Deployment.objects.for_caller(self.caller)
            .select_related(*ROWS)
            .defer("design__draft", "version__document")
            .prefetch_related(*PREFETCH)
            .with_totals()
        )

    def shown(self, deployment: Deployment) -> dict[str, Any]:
        row = get_object_or_404(self.rows(), pk=deployment.pk)
        return DeploymentOut(row, context={"caller": self.caller, **usage_of([row])}).data


class DeploymentListView(DeploymentBase):
    """Deploy designs, and list what is deployed."""

    permissions = {"GET": "deployments.view_deployment", "POST": "deployments.add_deployment"}

    @extend_schema(
        operation_id="deployments_list",
        parameters=[
            OpenApiParameter("status", enum=Deployment.Status.values),
            OpenApiParameter("design_id", type={"type": "string", "format": "uuid"}),
            OpenApiParameter(
                "text", description="Part of the endpoint path or of the design's name."
            ),
            OpenApiParameter(
                "ordering",
                description="One or several, separated by commas; `-` before it turns it round.",
                enum=[*ORDER, *(f"-{name}" for name in ORDER)],
            ),
            OpenApiParameter("limit", type=int),
            OpenApiParameter("offset", type=int),
        ],
        responses={200: DeploymentOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        rows = self.rows().prefetch_related(None).prefetch_related(first_schedules())
        return answer_page(
            self,
            BoundedPages(),
            rows.order_by("endpoint_path"),
            DeploymentOut,
            filters=DeploymentFilter,
            large=(first_input(),),
            more=usage_of,
        )

    @extend_schema(
        operation_id="deployments_create", request=DeploymentIn, responses={201: DeploymentOut}
    )
    def post(self, request: Request) -> Response:
        if self.caller.deployment_ids is not None:
            raise PermissionDenied("This API key is bound to deployments and makes no others.")
        fields = self.body(DeploymentIn)
        if fields.get("schedule") is not None:
            require(self.caller, "deployments.add_schedule")
        design = design_for(self.caller, fields.pop("design_id"))
        deployment = deploy_design(design=design, caller=self.caller, **fields)
        answer = self.shown(deployment)
        return Response(
            answer,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/deployments/{deployment.pk}"},
        )


class DeploymentDetailView(DeploymentBase):
    """One deployment: read, change, undeploy."""

    permissions = {
        "GET": "deployments.view_deployment",
        "PUT": "deployments.change_deployment",
        "PATCH": "deployments.change_deployment",
        "DELETE": "deployments.delete_deployment",
    }

    def deployment(self, pk: str) -> Deployment:
        return get_object_or_404(self.rows(), pk=pk)

    @extend_schema(operation_id="deployments_read", responses={200: DeploymentOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(self.shown(self.deployment(pk)))

    @extend_schema(
        operation_id="deployments_replace", request=DeploymentChange, responses={200: DeploymentOut}
    )
    def put(self, request: Request, pk: str) -> Response:
        return self._change(request, pk, partial=False)

    @extend_schema(
        operation_id="deployments_change", request=DeploymentChange, responses={200: DeploymentOut}
    )
    def patch(self, request: Request, pk: str) -> Response:
        return self._change(request, pk, partial=True)

    @extend_schema(operation_id="deployments_delete", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        undeploy(deployment=self.deployment(pk), caller=self.caller)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, pk: str, *, partial: bool) -> Response:
        deployment = self.deployment(pk)
        fields = self.body(DeploymentChange, partial=partial, context={"deployment": deployment})
        if "schedule" in fields and (fields["schedule"] or deployment.schedules.all()):
            require(self.caller, "deployments.change_schedule")
        changed = change_deployment(
            deployment=deployment, caller=self.caller, merge=partial, **fields
        )
        return Response(self.shown(changed))


class DeploymentLogListView(DeploymentBase):
    """The history of one deployment, newest first; readable after it was undeployed."""

    permissions = {"GET": "executor.view_execution"}

    @extend_schema(
        operation_id="deployments_logs",
        parameters=FILTERS,
        responses={200: ExecutionOut(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        deployment = get_object_or_404(Deployment.objects.seen_by(self.caller), pk=pk)
        return answer_executions(self, deployment=deployment)


class DeploymentLogDetailView(DeploymentBase):
    """One execution of a deployment, with its blocks and steps."""

    permissions = {"GET": "executor.view_execution"}

    @extend_schema(
        operation_id="deployments_log",
        parameters=[ONE_BLOCK],
        responses={200: ExecutionDetailOut},
    )
    def get(self, request: Request, pk: str, log_id: str) -> Response:
        deployment = get_object_or_404(Deployment.objects.seen_by(self.caller), pk=pk)
        execution_id = parse_execution_id(log_id)
        if execution_id is None:
            raise NotFound("There is no such execution.")
        rows = (
            Execution.objects.for_caller(self.caller)
            .filter(deployment=deployment)
            .select_related("version")
        )
        execution = get_object_or_404(rows, pk=execution_id)
        return detail_answer(self, execution)


def usage_of(page: list[Deployment]) -> dict[str, Any]:
    """Context for DeploymentOut: totals of these deployments' runs."""
    return {"usage": sums_of_deployments([row.pk for row in page])}
