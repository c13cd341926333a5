"""What is answered where no view answers: a page for people, a problem (RFC 9457) for scripts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import defaults

from orchestra.api.errors import STALE, problem_response

FAULT = "Something went wrong inside Orchestra; its log says more."
UNREADABLE = "The request cannot be read."


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if _is_api(request):
        return problem_response(400, UNREADABLE)
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(500, FAULT) if _is_api(request) else defaults.server_error(request)


def csrf_failure(request: HttpRequest, reason: str = "", **_: Any) -> HttpResponse:
    """A form without its token."""
    if _is_api(request):
        return problem_response(403, STALE)
    return render(request, "403_csrf.html", {"sentence": STALE}, status=403)


def _is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
