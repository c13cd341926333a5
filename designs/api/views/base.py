"""The base of the API views of designs."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.conditions import entity_tag, revisions_of
from designs.api.serializers import DesignOut
from designs.models import Design, DesignVersion


class DesignBase(ApiView):
    """A key bound to deployments can read their designs, and change none."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        verb = self.permissions.get(request.method or "", "").partition(".")[2]
        if self.caller.deployment_ids is not None and not verb.startswith("view_"):
            raise PermissionDenied("This API key is bound to deployments and changes no designs.")

    @property
    def revisions(self) -> frozenset[int] | None:
        """Those that the change is based on, if the request says so. Raises ParseError."""
        return revisions_of(self.request)

    def rows(self) -> Any:
        rows = Design.objects.for_caller(self.caller).with_latest_version()
        return rows.select_related("changed_by")

    def design(self, pk: str) -> Design:
        return get_object_or_404(self.rows(), pk=pk)

    def version(self, pk: str, number: str) -> DesignVersion:
        design = self.design(pk)
        version = get_object_or_404(
            design.versions.select_related("created_by"), number=int(number)
        )
        version.design = design
        return version

    def design_response(self, design: Any, code: int = status.HTTP_200_OK) -> Response:
        """A design as it was read or written, so that the answer has the revision that was written
        even if another one has followed since; a new one with its URL.
        """
        headers = {"ETag": entity_tag(design.revision)}
        if not hasattr(design, "latest_version"):
            latest = design.latest()
            design.latest_version = latest and latest.number
        if code == status.HTTP_201_CREATED:
            headers["Location"] = f"/api/designs/{design.pk}"
        return Response(DesignOut(design).data, status=code, headers=headers)
