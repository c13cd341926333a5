"""DRF's cycle without its threads: an API view whose handlers are coroutines.

DRF's own dispatch is synchronous, and under ASGI that costs a thread and a database connection for
each request. Here parsing, authentication, permissions and errors are DRF's, in their order, but
only what really reads the database leaves the event loop.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotAuthenticated, UnsupportedMediaType
from rest_framework.request import Request

from deployments.api.authentication import caller_of_key, key_text
from deployments.keys import remembered_caller
from designs.access import Caller, caller_of
from designs.api.base import ApiView
from designs.api.parsers import check_length, read_json
from designs.api.permissions import require
from designs.api.renderers import to_json


class AsyncApiView(ApiView):
    """Handlers are `async def get/post(self, request, …)` and return an HttpResponse."""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        markcoroutinefunction(view)
        return view

    async def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        self.args, self.kwargs = args, kwargs
        self.headers: dict[str, str] = {}
        self.request = wrapped = Request(request, authenticators=self.get_authenticators())
        try:
            handler = getattr(self, (request.method or "").lower(), None)
            if handler is None or not iscoroutinefunction(handler):
                self.http_method_not_allowed(wrapped)
            caller = await self._authenticate(request, wrapped)
            wrapped.auth = caller
            require(caller, self.permissions[request.method or ""])
            return await handler(wrapped, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - handle_exception raises again what is not known
            return self._answer_error(error)

    async def _authenticate(self, request: HttpRequest, wrapped: Request) -> Caller:
        text = key_text(request)
        if text is not None:
            return remembered_caller(text) or await sync_to_async(caller_of_key)(text)
        user = await request.auser()
        if not user.is_authenticated or not user.is_active:
            raise NotAuthenticated("Send an API key, or sign in.")
        SessionAuthentication().enforce_csrf(wrapped)
        return await sync_to_async(caller_of)(user)

    def _answer_error(self, error: Exception) -> HttpResponse:
        answer = self.handle_exception(error)
        response = HttpResponse(
            to_json(answer.data), status=answer.status_code, content_type=answer.content_type
        )
        for name, value in answer.headers.items():
            response.headers.setdefault(name, value)
        return response


def read_object(request: Request) -> Any:
    """The JSON body of a request, by the rules of every body; None if there is none."""
    plain = request._request
    meta = plain.META
    chunked = "chunked" in meta.get("HTTP_TRANSFER_ENCODING", "").lower()
    check_length(meta.get("CONTENT_LENGTH"), chunked=chunked)
    body = plain.body
    if not body:
        return None
    if plain.content_type != "application/json":
        raise UnsupportedMediaType(plain.content_type or "none")
    return read_json(body)
