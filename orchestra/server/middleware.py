"""Middlewares: headers, static files, sessions, callers, and the admin's content policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from django.views import defaults
from whitenoise.middleware import WhiteNoiseMiddleware

from designs.access import caller_of
from designs.acting import acting
from designs.errors import RowGone
from orchestra.server import headers
from orchestra.sign_in import sessions


class _Middleware:
    """A middleware that needs no thread, whether the request is synchronous or not."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.respond_async(request) if self.is_async else self.respond(request)

    def respond(self, request: HttpRequest) -> Any:
        raise NotImplementedError

    async def respond_async(self, request: HttpRequest) -> Any:
        raise NotImplementedError


class HeadersMiddleware(_Middleware):
    """Adds the headers of `headers` to every answer; the outermost, so that errors get them too."""

    def respond(self, request: HttpRequest) -> Any:
        response = self.get_response(request)
        headers.add_to(request, response)
        return response

    async def respond_async(self, request: HttpRequest) -> Any:
        response = await self.get_response(request)
        headers.add_to(request, response)
        return response


class ActingMiddleware(_Middleware):
    """Records changes as those of the signed-in person, until the API authenticates a key.

    Comes after the middleware that sets `request.caller`.
    """

    def respond(self, request: HttpRequest) -> Any:
        with acting(request.caller, request.META.get("REMOTE_ADDR")):  # type: ignore[attr-defined]
            return self.get_response(request)

    async def respond_async(self, request: HttpRequest) -> Any:
        with acting(request.caller, request.META.get("REMOTE_ADDR")):  # type: ignore[attr-defined]
            return await self.get_response(request)


class StaticFilesMiddleware(_Middleware):
    """Answers requests for static files.

    WhiteNoise's middleware is synchronous, so everything after it would run inside its thread: a
    request that waits, for a run or for a second connection to the database, would hold it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        super().__init__(get_response)
        self.files = WhiteNoiseMiddleware(lambda request: None)

    def respond(self, request: HttpRequest) -> Any:
        response = self.files(request) if self._is_static(request) else None
        return response or self.get_response(request)

    async def respond_async(self, request: HttpRequest) -> Any:
        response = await sync_to_async(self.files)(request) if self._is_static(request) else None
        return response or await self.get_response(request)

    def _is_static(self, request: HttpRequest) -> bool:
        return request.path_info.startswith(settings.STATIC_URL)


class SessionMiddleware(DjangoSessionMiddleware):
    """Ends a session that was idle for too long, before anything uses it."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            sessions.keep_awake_or_end(request)


class CallerMiddleware(MiddlewareMixin):
    """Sets `request.caller`: rights and groups of the signed-in person, at one query each, or
    NOBODY.
    """

    get_response: Callable[[HttpRequest], HttpResponse]

    def process_request(self, request: HttpRequest) -> None:
        request.caller = SimpleLazyObject(lambda: caller_of(request.user))  # type: ignore[attr-defined]
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            sessions.change_key_with_rights(request)


# The admin's theme sets colours in a style element, and its menus evaluate expressions.
ADMIN_POLICY = {"style-src": [UNSAFE_INLINE], "script-src": [UNSAFE_EVAL]}


class AdminPolicyMiddleware(MiddlewareMixin):
    """Relaxes the Content-Security-Policy below /admin/, and nowhere else."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/admin/"):
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]
        return response


class RowGoneMiddleware(MiddlewareMixin):
    """Answers 404 if a row was deleted in the meantime."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RowGone):
            return None
        return defaults.page_not_found(request, exception)
