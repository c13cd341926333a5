"""DRF's cycle without its threads: an API view whose handlers are coroutines.

DRF's own dispatch is synchronous, and under ASGI that costs a thread and a database connection for
each request. Here parsing, authentication, permissions and errors are DRF's, in their order, but
only what really reads the database leaves the event loop.
"""

from __future__ import annotations

from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.request import Request

from deployments.api.authentication import caller_of_key, check_csrf, key_text
from deployments.keys import remembered_caller
from deployments.limits import count_request_async, limits_of_key
from designs.access import Caller, caller_of
from designs.acting import acting
from designs.api.base import ApiView
from designs.api.parsers import JsonWanted, check_headers, read_json_async
from designs.api.permissions import require
from designs.api.renderers import to_json
from designs.threads import release_request
from executor.threads import in_thread, in_thread_once


class AsyncApiView(ApiView):
    """Handlers are `async def get/post(self, request, …)` and return an HttpResponse."""

    get_starts_runs: ClassVar[bool] = False

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        view = super().as_view(**initkwargs)
        markcoroutinefunction(view)
        return view

    async def dispatch(  # type: ignore[override]
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        self.headers: dict[str, str] = dict(self.default_response_headers)
        self.request = wrapped = Request(request, authenticators=self.get_authenticators())
        try:
            handler: Any = getattr(self, (request.method or "").lower(), None)
            if request.method not in self.permissions or not iscoroutinefunction(handler):
                self.http_method_not_allowed(wrapped)
            wrapped.auth = caller = await self.who(request)
            require(caller, self.permissions[request.method or ""])
            await self.count(caller)
            # Perhaps no middleware has begun this; a connection may carry requests of many callers.
            with acting(caller, request.META.get("REMOTE_ADDR")):
                response = await handler(wrapped, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - handle_exception raises again what is not known
            response = self._answer_error(error)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response

    async def who(self, request: HttpRequest) -> Caller:
        """The caller as the request names them, today. Raises what authentication raises."""
        text = key_text(request)
        if text is not None:
            found = remembered_caller(text)
            if found is None:
                found = await in_thread_once(caller_of_key, text, request.META.get("REMOTE_ADDR"))
            return found
        user = await request.auser()
        if not user.is_authenticated or not user.is_active:
            raise NotAuthenticated("Send an API key, or sign in.")
        self._check_csrf(request)
        # The session was read in the request's own thread, and a call may wait for long.
        await release_request()
        return await in_thread(caller_of, user)

    async def count(self, caller: Caller) -> None:
        """Count the request against the key's own limits. Raises RateLimitReached."""
        self.headers.update(await count_request_async(limits_of_key(caller)))

    def _check_csrf(self, request: HttpRequest) -> None:
        # A link on another site must not start anything in a signed-in person's name.
        starts_run = self.get_starts_runs and request.method == "GET"
        check_csrf(request, method="POST" if starts_run else None)

    def _answer_error(self, error: Exception) -> HttpResponse:
        answer = self.handle_exception(error)
        response = HttpResponse(
            to_json(answer.data), status=answer.status_code, content_type=answer.content_type
        )
        for name, value in answer.headers.items():
            response.headers.setdefault(name, value)
        return response


async def read_object(request: Request) -> dict[str, Any] | None:
    """The JSON object of a request, by the rules of every body; None without a body."""
    plain = request._request
    check_headers(plain.META)
    body = plain.body
    if not body:
        return None
    if plain.content_type != "application/json":
        raise JsonWanted
    value = await read_json_async(body)
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    return value
