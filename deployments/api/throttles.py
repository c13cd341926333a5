"""Counts the requests of a key, wherever they go."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from deployments.limits import count_request, limits_of_key
from designs.api.permissions import caller_of_request


class KeyThrottle(BaseThrottle):
    """Raises RateLimitReached; says in the answer's headers how much is left."""

    def allow_request(self, request: Request, view: Any) -> bool:
        view.headers.update(count_request(limits_of_key(caller_of_request(request))))
        return True
