"""The API of designs: drafts and their versions."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView, Pages, as_uuid
from designs.api.serializers import (
    DesignBrief,
    DesignIn,
    DesignOut,
    PublishIn,
    VersionDetailOut,
    VersionOut,
)
from designs.models import Design
from designs.services import change_draft, create_design, publish_design


class DesignBase(ApiView):
    def rows(self) -> Any:
        return Design.objects.for_caller(self.caller).with_latest_version()

    def design(self, pk: str) -> Design:
        return get_object_or_404(self.rows(), pk=as_uuid(pk))


class DesignListView(DesignBase):
    """All designs, and new ones."""

    permissions = {"GET": "designs.view_design", "POST": "designs.add_design"}

    @extend_schema(operation_id="designs_list", responses={200: DesignBrief(many=True)})
    def get(self, request: Request) -> Response:
        pages = Pages()
        page = pages.paginate_queryset(self.rows(), request, view=self)
        return pages.get_paginated_response(DesignBrief(page, many=True).data)

    @extend_schema(operation_id="designs_create", request=DesignIn, responses={201: DesignOut})
    def post(self, request: Request) -> Response:
        given = DesignIn(data=request.data)
        given.is_valid(raise_exception=True)
        design = create_design(document=given.validated_data["document"], caller=self.caller)
        shown = DesignOut(self.rows().get(pk=design.pk)).data
        return Response(
            shown, status=status.HTTP_201_CREATED, headers={"Location": f"/api/designs/{design.pk}"}
        )


class DesignDetailView(DesignBase):
    """One design with its draft and the draft's problems."""

    permissions = {"GET": "designs.view_design", "PUT": "designs.change_design"}

    @extend_schema(operation_id="designs_read", responses={200: DesignOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(DesignOut(self.design(pk)).data)

    @extend_schema(operation_id="designs_replace", request=DesignIn, responses={200: DesignOut})
    def put(self, request: Request, pk: str) -> Response:
        given = DesignIn(data=request.data)
        given.is_valid(raise_exception=True)
        change_draft(design=self.design(pk), document=given.validated_data["document"])
        return Response(DesignOut(self.design(pk)).data)


class DesignPublishView(DesignBase):
    """Make the draft the next version."""

    permissions = {"POST": "designs.publish_design"}

    @extend_schema(
        operation_id="designs_publish", request=PublishIn, responses={201: VersionDetailOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        given = PublishIn(data=request.data)
        given.is_valid(raise_exception=True)
        version = publish_design(design=self.design(pk), caller=self.caller, **given.validated_data)
        return Response(VersionDetailOut(version).data, status=status.HTTP_201_CREATED)


class DesignVersionListView(DesignBase):
    """What was published, newest first."""

    permissions = {"GET": "designs.view_designversion"}

    @extend_schema(operation_id="designs_versions", responses={200: VersionOut(many=True)})
    def get(self, request: Request, pk: str) -> Response:
        pages = Pages()
        page = pages.paginate_queryset(
            self.design(pk).versions.order_by("-number"), request, view=self
        )
        return pages.get_paginated_response(VersionOut(page, many=True).data)
