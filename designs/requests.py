"""What the pages of all apps share: required permissions, sessions, lists in pages, files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.template.loader import render_to_string
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from designs.access import NOBODY, Caller, caller_of

PAGE_SIZE = 50
MAX_PAGE = 10_000
MAX_SEARCHED = 200
# The session's key for the time of a person's last action, in seconds since 1970.
SEEN = "seen_at"


class PageRequest(HttpRequest):
    """A request with the attributes that middlewares add."""

    caller: Caller
    htmx: HtmxDetails


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Require a permission for a view. Anonymous users go to the sign-in page, others get 403.

    The test of the access matrix reads the permission as `view.permission`.
    """

    def declare(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        async def asynchronous(request: PageRequest, *args: Any, **kwargs: Any) -> Any:
            if type(request.caller) is Caller:
                refusal = _refusal(request, permission)
            else:
                # A lazy caller reads the database.
                refusal = await sync_to_async(_refusal)(request, permission)
            return refusal or await view(request, *args, **kwargs)

        @wraps(view)
        def synchronous(request: PageRequest, *args: Any, **kwargs: Any) -> Any:
            return _refusal(request, permission) or view(request, *args, **kwargs)

        declared: Any = asynchronous if iscoroutinefunction(view) else synchronous
        declared.permission = permission
        return declared

    return declare


@dataclass(frozen=True)
class SessionState:
    """A session's caller, and the time of the person's last action (in seconds since 1970)."""

    caller: Caller
    seen_at: int | None = None


def read_sessions(keys: Sequence[str | None]) -> dict[str | None, SessionState]:
    """The state of each session, read together. The caller of an expired session is NOBODY."""
    now = timezone.now()
    rows = Session.objects.filter(session_key__in=[key for key in keys if key], expire_date__gt=now)
    sessions = {row.session_key: _LoadedSession(row) for row in rows}
    users: dict[str, Any] = {}
    for key, session in sessions.items():
        request = HttpRequest()
        request.session = session
        users[key] = get_user(request)
    prefetch_related_objects([user for user in users.values() if user.is_authenticated], "groups")
    states: dict[str | None, SessionState] = dict.fromkeys(keys, SessionState(NOBODY))
    for key, session in sessions.items():
        states[key] = SessionState(caller_of(users[key]), session.get(SEEN))
    return states


class _LoadedSession(SessionStore):
    def __init__(self, row: Session) -> None:
        super().__init__(row.session_key)
        self._row = row

    def load(self) -> dict[str, Any]:
        return self._row.get_decoded()


def _refusal(request: PageRequest, permission: str) -> HttpResponse | None:
    """A redirect to the sign-in page, or None. Raises PermissionDenied."""
    if request.caller.user_id is None:
        if request.htmx:
            # The session of an open page ended: redirect the whole page, not the part.
            back, url = opened_address(request), resolve_url(settings.LOGIN_URL)
            query = f"?{urlencode({REDIRECT_FIELD_NAME: back})}" if back else ""
            return HttpResponseClientRedirect(url + query)
        return cast(HttpResponse, redirect_to_login(request.get_full_path()))
    if not request.caller.may(permission):
        raise PermissionDenied
    return None


def opened_address(request: PageRequest) -> str:
    """Path and query of the page that sent this request of htmx; empty if it is none of ours."""
    try:
        return request.htmx.current_url_abs_path or ""
    except ValueError:
        return ""


def render_fresh(
    request: PageRequest, template: str, context: dict[str, Any], *, part: str = "live"
) -> HttpResponse:
    """The whole page; for htmx only its `part`, or 204 if that is what the browser has.

    The template's part has `{% fresh_from url %}` in its root. Its view checks rights as ever.
    """
    if not request.htmx:
        return render(request, template, context)
    return answer_fresh(request, render_to_string(f"{template}#{part}", context, request))


def answer_fresh(request: HttpRequest, text: str) -> HttpResponse:
    """The part, or 204 if that is what the browser has."""
    # A form's token is written differently each time.
    digest = hashlib.sha256(_TOKEN.sub("", text).encode()).hexdigest()[:24]
    if request.headers.get("X-Seen") == digest:
        return HttpResponse(status=204)
    return HttpResponse(text, headers={"X-Seen": digest})


_TOKEN = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")\w+')


def page_of(request: HttpRequest, rows: QuerySet[Any, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the page in `?page=`, and for the template the query strings of this page and its
    neighbours. Does not count the rows.
    """
    text = request.GET.get("page", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 7
    number = max(1, min(int(text), MAX_PAGE)) if is_number else 1
    start = (number - 1) * PAGE_SIZE
    page = list(rows[start : start + PAGE_SIZE + 1])

    def address(of: int) -> str:
        query = request.GET.copy()
        query["page"] = str(of)
        return query.urlencode()

    links = {
        "this_page": address(number),
        "previous_page": address(number - 1) if number > 1 else "",
        "next_page": address(number + 1) if len(page) > PAGE_SIZE else "",
    }
    return page[:PAGE_SIZE], links


def searched_text(request: HttpRequest) -> str:
    """The search text of a list, without NUL characters, which PostgreSQL refuses."""
    return request.GET.get("text", "").replace("\0", "").strip()[:MAX_SEARCHED]


def file_answer(text: str, name: str) -> HttpResponse:
    """JSON to download."""
    answer = HttpResponse(text, content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def person_of(user: Any) -> dict[str, str]:
    """The person's name, and two letters for it."""
    name = user.get_full_name() or user.get_username()
    words = name.split()
    letters = words[0][:1] + words[-1][:1] if len(words) > 1 else name[:2]
    return {"name": name, "initials": letters.upper()}
