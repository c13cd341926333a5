"""The base of all API views: declared permissions, one caller, bodies judged before they are
read.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.urls import URLPattern, re_path
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from designs.access import NOBODY, Caller
from designs.api.parsers import check_length


def caller_of_request(request: Any) -> Caller:
    """The caller that authentication made, or NOBODY."""
    return request.auth if isinstance(request.auth, Caller) else NOBODY


class Declared(BasePermission):
    """Lets through what the view's `permissions` name for the method; a method not named is
    refused.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of_request(request)
        if caller.user_id is None:
            return False
        needed = getattr(view, "permissions", {}).get(request.method)
        if needed is None:
            return False
        require(caller, needed)
        return True


def require(caller: Caller, permission: str) -> None:
    """Raises PermissionDenied with a sentence that says whether the person or the key falls
    short.
    """
    if caller.may(permission):
        return
    if not caller.within_scope(permission):
        raise PermissionDenied(f"This API key's scopes do not cover this call ({permission}).")
    raise PermissionDenied(
        f"You do not have the right for this ({permission}). Ask an administrator."
    )


class ApiView(APIView):
    """`permissions` maps HTTP methods to the permission each needs."""

    permissions: ClassVar[dict[str, str]] = {}

    @property
    def caller(self) -> Caller:
        return caller_of_request(self.request)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        check_length(request.META.get("CONTENT_LENGTH"), chunked=chunked)
        super().initial(request, *args, **kwargs)


LINK = {"type": ["string", "null"], "format": "uri"}


def page_schema(rows: dict[str, Any]) -> dict[str, Any]:
    """How every list is described in the OpenAPI document."""
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": rows, "next": LINK, "previous": LINK},
    }


class Pages(LimitOffsetPagination):
    """`limit` and `offset`; lists answer `{results, next, previous}`."""

    default_limit = 50
    max_limit = 500

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()}
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)


class StrictSerializer(serializers.Serializer[Any]):
    """Unknown fields are refused by name; `read_only_names` are ignored, as PUT sends them back."""

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
    """An API address, with and without its trailing slash."""
    return re_path(f"^{pattern}/?$", view.as_view(), name=name)


def as_uuid(text: str) -> uuid.UUID:
    return uuid.UUID(text)
