"""The base of all API views: declared permissions, the caller, checked headers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.urls import URLPattern, re_path
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from designs.access import Caller
from designs.api.parsers import check_headers
from designs.api.permissions import caller_of_request


class ApiView(APIView):
    """`permissions` maps HTTP methods to the permission each needs."""

    permissions: ClassVar[dict[str, str]] = {}

    @property
    def caller(self) -> Caller:
        return caller_of_request(self.request)

    @property
    def allowed_methods(self) -> list[str]:
        declared = self.permissions or {"GET": ""}
        return [name for name in declared if hasattr(self, name.lower())]

    def body(self, shape: type[serializers.Serializer[Any]], **options: Any) -> dict[str, Any]:
        """The request's validated body. Raises ValidationError."""
        serializer = shape(data=self.request.data, **options)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_headers(request.META)

    def check_permissions(self, request: Request) -> None:
        """After the throttles, so that refused requests count too."""
        if request.auth is not None:
            super().check_throttles(request)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done in `check_permissions`."""


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields, except `read_only_names`: a PUT may send back what a GET returned."""

    read_only_names: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields) - self.read_only_names)
            if unknown:
                raise serializers.ValidationError(
                    {name: ["There is no such field."] for name in unknown}
                )
        return super().to_internal_value(data)


ID = r"(?P<pk>[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12})"


def route(pattern: str, view: type[APIView], name: str) -> URLPattern:
    return re_path(f"^{pattern}/?$", view.as_view(), name=name)
