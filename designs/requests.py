"""What pages of all apps know of a request: its caller, htmx, and which permission a page needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, ParamSpec, cast
from urllib.parse import urlencode

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME, get_user
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from designs.access import NOBODY, Caller, caller_of

P = ParamSpec("P")


MAX_SEARCHED = 200


class PageRequest(HttpRequest):
    """As the middlewares leave it."""

    caller: Caller
    htmx: HtmxDetails


View = Callable[Concatenate[PageRequest, P], HttpResponseBase]


def requires(permission: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare what a page needs. Who is not signed in goes to sign in; who may not, gets 403.

    The permission stays readable as `view.permission`, for the test of the access matrix.
    """

    def declare(view: Callable[..., Any]) -> Callable[..., Any]:
        if iscoroutinefunction(view):

            @wraps(view)
            async def asynchronous(request: PageRequest, *args: Any, **kwargs: Any) -> Any:
                # One that is not looked up yet reads rows.
                is_known = type(request.caller) is Caller
                judge = _refusal if is_known else sync_to_async(_refusal)
                judged: Any = judge(request, permission)
                refused = judged if is_known else await judged
                return refused or await view(request, *args, **kwargs)

            asynchronous.permission = permission  # type: ignore[attr-defined]
            return asynchronous

        @wraps(view)
        def synchronous(request: PageRequest, *args: Any, **kwargs: Any) -> Any:
            return _refusal(request, permission) or view(request, *args, **kwargs)

        synchronous.permission = permission  # type: ignore[attr-defined]
        return synchronous

    return declare


@dataclass(frozen=True)
class Sitting:
    """What a session says today: whom it speaks for, and when (in seconds since 1970) a person last
    did something in it.
    """

    caller: Caller
    seen_at: int | None = None


# Where a session keeps when that was.
SEEN = "seen_at"


def read_sittings(keys: Sequence[str | None]) -> dict[str | None, Sitting]:
    """By the keys of their sessions; one that has ended speaks for NOBODY. Sessions and groups are
    read for all together.
    """
    now = timezone.now()
    rows = Session.objects.filter(session_key__in=[key for key in keys if key], expire_date__gt=now)
    sessions = {row.session_key: _ReadSession(row) for row in rows}
    users = {key: _user_in(session) for key, session in sessions.items()}
    prefetch_related_objects([user for user in users.values() if user.is_authenticated], "groups")
    found: dict[str | None, Sitting] = dict.fromkeys(keys, Sitting(NOBODY))
    for key, session in sessions.items():
        found[key] = Sitting(caller_of(users[key]), session.get(SEEN))
    return found


def _user_in(session: SessionStore) -> Any:
    asked = HttpRequest()
    asked.session = session
    return get_user(asked)


class _ReadSession(SessionStore):
    """One whose row was read already."""

    def __init__(self, row: Session) -> None:
        super().__init__(row.session_key)
        self._row = row

    def load(self) -> dict[str, Any]:
        return self._row.get_decoded()


def _refusal(request: PageRequest, permission: str) -> HttpResponse | None:
    """The way to the sign-in page, or None. Raises PermissionDenied."""
    if request.caller.user_id is None:
        if request.htmx:
            # A session ended under an open page: the whole page goes to sign in, not a part of it.
            back, url = request.htmx.current_url_abs_path, resolve_url(settings.LOGIN_URL)
            query = f"?{urlencode({REDIRECT_FIELD_NAME: back})}" if back else ""
            return HttpResponseClientRedirect(url + query)
        return cast(HttpResponse, redirect_to_login(request.get_full_path()))
    if not request.caller.may(permission):
        raise PermissionDenied
    return None


PAGE_SIZE = 50
# Beyond it no list of a page goes on.
LAST_PAGE = 10_000


def page_of(request: HttpRequest, rows: QuerySet[Any, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the page that `?page=` asks for, and for the template the query strings of this
    page and its neighbours; nothing is counted.
    """
    text = request.GET.get("page", "")
    is_number = text.isascii() and text.isdigit() and len(text) < 7
    number = max(1, min(int(text), LAST_PAGE)) if is_number else 1
    first = (number - 1) * PAGE_SIZE
    found = list(rows[first : first + PAGE_SIZE + 1])

    def address(of: int) -> str:
        query = request.GET.copy()
        query["page"] = str(of)
        return query.urlencode()

    links = {
        "this_page": address(number),
        "previous_page": address(number - 1) if number > 1 else "",
        "next_page": address(number + 1) if len(found) > PAGE_SIZE else "",
    }
    return found[:PAGE_SIZE], links


def searched_text(request: HttpRequest) -> str:
    """What a list is searched for; without NUL, which no text has and PostgreSQL refuses."""
    return request.GET.get("text", "").replace("\0", "").strip()[:MAX_SEARCHED]
