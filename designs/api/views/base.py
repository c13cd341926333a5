"""The base of the API views of designs."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.serializers import DesignOut
from designs.models import Design, DesignVersion


class DesignBase(ApiView):
    """A key bound to deployments can read their designs, and change none."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        verb = self.permissions.get(request.method or "", "").partition(".")[2]
        if self.caller.deployment_ids is not None and not verb.startswith("view_"):
            raise PermissionDenied("This API key is bound to deployments and changes no designs.")

    def rows(self) -> Any:
        return Design.objects.for_caller(self.caller).with_latest_version()

    def design(self, pk: str) -> Design:
        return get_object_or_404(self.rows(), pk=pk)

    def version(self, pk: str, number: str) -> DesignVersion:
        versions = self.design(pk).versions.select_related("design")
        return get_object_or_404(versions, number=int(number))

    def design_response(self, design: Design, code: int = status.HTTP_200_OK) -> Response:
        """The current design; a new one with its URL."""
        answer = Response(DesignOut(self.rows().get(pk=design.pk)).data, status=code)
        if code == status.HTTP_201_CREATED:
            answer["Location"] = f"/api/designs/{design.pk}"
        return answer
