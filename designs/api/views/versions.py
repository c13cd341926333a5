"""The API of versions: publish the draft, read versions, restore one as the draft."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.lists import Pages, answer_page
from designs.api.serializers import DesignOut, PublishedOut, PublishIn, VersionDetailOut, VersionOut
from designs.api.views.base import DesignBase
from designs.services import publish_design, restore_version

NUMBER = OpenApiParameter("number", type=int, location="path")


class DesignPublishView(DesignBase):
    """Make the draft the next version."""

    permissions = {"POST": "designs.publish_design"}

    @extend_schema(operation_id="designs_publish", request=PublishIn, responses={201: PublishedOut})
    def post(self, request: Request, pk: str) -> Response:
        """Refused with all problems of the draft."""
        design = self.design(pk)
        caller, revisions = self.caller, self.revisions
        note = self.body(PublishIn)["note"]
        version = publish_design(design=design, caller=caller, note=note, revisions=revisions)
        return Response(
            PublishedOut(version).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/designs/{design.pk}/versions/{version.number}"},
        )


class DesignVersionListView(DesignBase):
    """The versions, newest first."""

    permissions = {"GET": "designs.view_designversion"}

    @extend_schema(
        operation_id="designs_versions",
        parameters=[OpenApiParameter("limit", type=int), OpenApiParameter("offset", type=int)],
        responses={200: VersionOut(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        rows = self.design(pk).versions.for_list(self.caller)
        return answer_page(self, Pages(), rows, VersionOut)


class DesignVersionDetailView(DesignBase):
    """One version with its document."""

    permissions = {"GET": "designs.view_designversion"}

    @extend_schema(
        operation_id="designs_version", parameters=[NUMBER], responses={200: VersionDetailOut}
    )
    def get(self, request: Request, pk: str, number: str) -> Response:
        return Response(VersionDetailOut(self.version(pk, number)).data)


class DesignVersionRestoreView(DesignBase):
    """Replace the draft with a version. Versions and deployments stay as they are."""

    permissions = {"POST": "designs.change_design"}

    @extend_schema(
        operation_id="designs_restore",
        parameters=[NUMBER],
        request=None,
        responses={200: DesignOut},
    )
    def post(self, request: Request, pk: str, number: str) -> Response:
        version, revisions = self.version(pk, number), self.revisions
        design = restore_version(version=version, caller=self.caller, revisions=revisions)
        return self.design_response(design)
