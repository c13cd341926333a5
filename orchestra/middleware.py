"""What every page needs: its caller, and for the admin a policy that its scripts can live with."""

from collections.abc import Callable

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
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


# The admin's theme sets its colours in a style element, and its menus evaluate expressions.
ADMIN_POLICY = {"style-src": [UNSAFE_INLINE], "script-src": [UNSAFE_EVAL]}


class AdminPolicyMiddleware(MiddlewareMixin):
    """Relaxes the Content-Security-Policy below /admin/, and nowhere else."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if request.path_info.startswith("/admin/"):
            response._csp_update = ADMIN_POLICY  # type: ignore[attr-defined]
        return response
