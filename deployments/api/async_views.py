"""DRF's cycle without its threads: an API view whose handlers are coroutines.

DRF's own dispatch is synchronous, and under ASGI that costs a thread and a database connection for
each request. Here parsing, authentication, permissions and errors are DRF's, in their order, but
only what really reads the database leaves the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from rest_framework.exceptions import NotAuthenticated, ParseError
from rest_framework.request import Request

from deployments.access.limits import Limit, count_request_async, limits_of_caller
from deployments.api.authentication import caller_of_key_async, check_csrf, key_text
from deployments.api.late_bodies import CallerLeft, load_body
from designs.access import Caller, caller_of
from designs.acting import acting
from designs.api.base import ApiView
from designs.api.parsers import JsonWanted, check_headers, read_json_async
from designs.api.permissions import require
from designs.json_text import to_json
from designs.runtime.threads import in_thread, release_request


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
            with self.place():
                response = await self._answer(wrapped, *args, **kwargs)
        except CallerLeft:
            raise
        except Exception as error:  # noqa: BLE001 - handle_exception raises again what is not known
            problem = self.handle_exception(error)
            response = HttpResponse(
                to_json(problem.data), status=problem.status_code, content_type=problem.content_type
            )
            for name, value in problem.headers.items():
                response.headers.setdefault(name, value)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response

    async def _answer(self, wrapped: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Cheapest first: identify the caller, count the request, check the right; only then read
        the body.
        """
        request = wrapped._request
        wrapped.auth = caller = await self.who(request)
        await self.count(caller)
        method = request.method or ""
        handler: Any = getattr(self, method.lower(), None)
        if method not in self.permissions or not iscoroutinefunction(handler):
            self.http_method_not_allowed(wrapped)
        require(caller, self.permissions[method])
        # Perhaps no middleware has begun this; a connection may carry requests of many callers.
        with acting(caller, request.META.get("REMOTE_ADDR")):
            return await handler(wrapped, *args, **kwargs)

    def place(self) -> AbstractContextManager[None]:
        """Held while the call is answered. May raise Overloaded."""
        return nullcontext()

    async def who(self, request: HttpRequest) -> Caller:
        """The caller with today's rights. Raises what authentication raises."""
        text = key_text(request)
        if text is not None:
            return await caller_of_key_async(text, request.META.get("REMOTE_ADDR"))
        user = await request.auser()
        if not user.is_authenticated or not user.is_active:
            raise NotAuthenticated("Send an API key, or sign in.")
        # A link on another site must not start anything in a signed-in person's name.
        starts_run = self.get_starts_runs and request.method == "GET"
        check_csrf(request, method="POST" if starts_run else None)
        # The session was read in the request's own thread, and a call may wait for long.
        release_request()
        return await in_thread(caller_of, user)

    async def count(self, caller: Caller) -> None:
        """Count the request against the caller's own limits. Raises RateLimitReached."""
        await self.count_against(limits_of_caller(caller))

    async def count_against(self, limits: Sequence[Limit]) -> None:
        """Count it, and let the answer say how much is left. Raises RateLimitReached."""
        for name, value in (await count_request_async(limits)).items():
            before = self.headers.get(name)
            self.headers[name] = f"{before}, {value}" if before else value


async def read_object(request: Request) -> dict[str, Any] | None:
    """The JSON object in the body; None without a body."""
    plain = request._request
    check_headers(plain.META)
    await load_body(plain)
    body = plain.body
    if not body:
        return None
    if plain.content_type != "application/json":
        raise JsonWanted
    value = await read_json_async(body)
    if not isinstance(value, dict):
        raise ParseError("The body must be a JSON object.")
    return value
