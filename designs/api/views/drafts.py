"""The API of drafts: list, create, read, change, delete, validate designs."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from designs.api.filters import OrderFilter
from designs.api.lists import Pages, answer_page
from designs.api.serializers import (
    DesignBrief,
    DesignChange,
    DesignIn,
    DesignOut,
    DesignReplace,
    ValidateIn,
    ValidateOut,
)
from designs.api.views.base import DesignBase
from designs.models import Design
from designs.patterns.catalogue import document_schema
from designs.services import change_draft, create_design, delete_design
from designs.validation import validate

ORDER = ("name", "created_at", "updated_at", "latest_version")


class DesignFilter(django_filters.FilterSet):
    text = django_filters.CharFilter(
        method="with_text", label="Part of the name or the description", max_length=200
    )
    ordering = OrderFilter(fields=[(name, name) for name in ORDER])

    class Meta:
        model = Design
        fields: tuple[str, ...] = ()

    def with_text(self, rows: Any, name: str, value: str) -> Any:
        return rows.filter(Q(name__icontains=value) | Q(description__icontains=value))


class DesignListView(DesignBase):
    """List and create designs."""

    permissions = {"GET": "designs.view_design", "POST": "designs.add_design"}

    @extend_schema(
        operation_id="designs_list",
        parameters=[
            OpenApiParameter("text", description="Part of the name or of the description."),
            OpenApiParameter(
                "ordering",
                description="One or several, separated by commas; a leading `-` reverses it.",
                enum=[*ORDER, *(f"-{name}" for name in ORDER)],
            ),
            OpenApiParameter("limit", type=int),
            OpenApiParameter("offset", type=int),
        ],
        responses={200: DesignBrief(many=True)},
    )
    def get(self, request: Request) -> Response:
        rows = self.rows().defer("draft").order_by("name", "id")
        return answer_page(self, Pages(), rows, DesignBrief, filters=DesignFilter)

    @extend_schema(operation_id="designs_create", request=DesignIn, responses={201: DesignOut})
    def post(self, request: Request) -> Response:
        design = create_design(caller=self.caller, **self.body(DesignIn))
        return self.design_response(design, status.HTTP_201_CREATED)


class DesignDetailView(DesignBase):
    """One design with its draft and the draft's problems."""

    permissions = {
        "GET": "designs.view_design",
        "PUT": "designs.change_design",
        "PATCH": "designs.change_design",
        "DELETE": "designs.delete_design",
    }

    @extend_schema(operation_id="designs_read", responses={200: DesignOut})
    def get(self, request: Request, pk: str) -> Response:
        return self.design_response(self.design(pk))

    @extend_schema(
        operation_id="designs_replace", request=DesignReplace, responses={200: DesignOut}
    )
    def put(self, request: Request, pk: str) -> Response:
        return self._change(pk, DesignReplace)

    @extend_schema(operation_id="designs_change", request=DesignChange, responses={200: DesignOut})
    def patch(self, request: Request, pk: str) -> Response:
        return self._change(pk, DesignChange)

    def _change(self, pk: str, shape: type[DesignIn]) -> Response:
        design = self.design(pk)
        changes = {"caller": self.caller, "revisions": self.revisions, **self.body(shape)}
        return self.design_response(change_draft(design=design, **changes))

    @extend_schema(operation_id="designs_delete", request=None, responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Refused while deployments or executions refer to it: the history stays readable."""
        delete_design(design=self.design(pk), revisions=self.revisions)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DesignValidateView(DesignBase):
    """All problems of the draft, or of the document in the body, which is not saved; hints, and
    what a run takes at most.
    """

    permissions = {"POST": "designs.view_design"}

    @extend_schema(
        operation_id="designs_validate", request=ValidateIn, responses={200: ValidateOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        design = self.design(pk)
        document = self.body(ValidateIn).get("document")
        found = validate(design.draft if document is None else document, self.caller)
        return Response(ValidateOut(found).data)


class DesignSchemaView(APIView):
    """The JSON Schema of a design's document, for editors."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(operation_id="designs_schema", responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request) -> Response:
        return Response(document_schema())
