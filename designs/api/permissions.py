"""Checks the permission that a view declares for the method."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from designs.access import NOBODY, Caller
from designs.errors import RightMissing


def caller_of_request(request: Any) -> Caller:
    return request.auth if isinstance(request.auth, Caller) else NOBODY


class Declared(BasePermission):
    """Requires the view's permission for the method; methods without one are not allowed."""

    def has_permission(self, request: Request, view: Any) -> bool:
        caller = caller_of_request(request)
        if caller.user_id is None:
            return False
        needed = getattr(view, "permissions", {}).get(request.method)
        if needed is None:
            raise MethodNotAllowed(request.method or "")
        require(caller, needed)
        return True


def require(caller: Caller, permission: str) -> None:
    """Raises PermissionDenied with the message of `Caller.require`."""
    try:
        caller.require(permission)
    except RightMissing as missing:
        raise PermissionDenied(str(missing)) from missing
