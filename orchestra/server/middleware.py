"""What every request needs: its session, its caller, its headers, and for the admin a policy."""

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
from designs.errors import RowGone
from orchestra.server import headers
from orchestra.sign_in import sessions


class HeadersMiddleware:
    """Adds to every answer what `headers` says; the outermost, so that errors have it as well."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._later(request)
        response = self.get_response(request)
        headers.add_to(request, response)
        return response

    async def _later(self, request: HttpRequest) -> Any:
        response = await self.get_response(request)
        headers.add_to(request, response)
        return response


class StaticFilesMiddleware:
    """Answers with static files, and is otherwise out of the way.

    WhiteNoise's middleware is synchronous, and all that comes after it would run inside its thread:
    a request that waits, for a run or for a second connection to the database, would hold it.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.files = WhiteNoiseMiddleware(lambda request: None)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self.is_async:
            return self._later(request)
        return self._file(request) or self.get_response(request)

    async def _later(self, request: HttpRequest) -> Any:
        found = await sync_to_async(self._file)(request) if self._is_static(request) else None
        return found or await self.get_response(request)

    def _file(self, request: HttpRequest) -> Any:
        return self.files(request) if self._is_static(request) else None

    def _is_static(self, request: HttpRequest) -> bool:
        return request.path_info.startswith(settings.STATIC_URL)


class SessionMiddleware(DjangoSessionMiddleware):
    """Ends a session that nobody used for too long, before anything believes it."""

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


# The admin's theme sets its colours in a style element, and its menus evaluate expressions.
ADMIN_POLICY = {"style-src": [UNSAFE_INLINE], "script-src": [UNSAFE_EVAL]}


class AdminPolicyMiddleware(MiddlewareMixin):
    """Relaxes the Content-Security-Policy below /admin/, and nowhere else."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/admin/"):
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]
        return response


class RowGoneMiddleware(MiddlewareMixin):
    """What somebody deleted while a page was at it is not found."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RowGone):
            return None
        return defaults.page_not_found(request, exception)
