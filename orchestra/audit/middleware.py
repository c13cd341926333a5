"""Says for each request who acts in it, from where, so that changes made in it are theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest

from designs.acting import acting


class ActingMiddleware:
    """The signed-in person, until the API's authentication finds that a key speaks for another.

    Comes after the middleware that sets `request.caller`.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._later(request)
        with acting(request.caller, request.META.get("REMOTE_ADDR")):  # type: ignore[attr-defined]
            return self.get_response(request)

    async def _later(self, request: HttpRequest) -> Any:
        with acting(request.caller, request.META.get("REMOTE_ADDR")):  # type: ignore[attr-defined]
            return await self.get_response(request)
