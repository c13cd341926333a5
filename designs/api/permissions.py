"""What a view lets through: the permission that it declares for the method, and nothing else."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from designs.access import NOBODY, Caller
from designs.errors import RightMissing


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
            raise MethodNotAllowed(request.method or "")
        require(caller, needed)
        return True


def require(caller: Caller, permission: str) -> None:
    """Raises PermissionDenied with the sentence of `Caller.require`."""
    try:
        caller.require(permission)
    except RightMissing as missing:
        raise PermissionDenied(str(missing)) from missing
