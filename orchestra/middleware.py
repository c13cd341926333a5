"""Makes the caller of a page once, when it is first asked for."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from designs.access import caller_of


class CallerMiddleware(MiddlewareMixin):
    """Sets `request.caller`: rights and groups of the signed-in person, at one query each, or
    NOBODY.
    """

    get_response: Callable[[HttpRequest], HttpResponse]

    def process_request(self, request: HttpRequest) -> None:
        request.caller = SimpleLazyObject(lambda: caller_of(request.user))  # type: ignore[attr-defined]
