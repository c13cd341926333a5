"""Counts the requests of a key or a person, wherever they go."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from deployments.access.limits import count_request, limits_of_caller
from designs.api.permissions import caller_of_request


class CallerThrottle(BaseThrottle):
    """Raises RateLimitReached; the answer's headers say how much is left."""

    def allow_request(self, request: Request, view: Any) -> bool:
        view.headers.update(count_request(limits_of_caller(caller_of_request(request))))
        return True
