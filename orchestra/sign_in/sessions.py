"""Sessions: their maximum age, idle timeout, change of key, and a person's open sessions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from designs.access import Caller, caller_of
from designs.models import PersonSession
from designs.models.session import digest_of_session
from designs.requests import SEEN

STARTED, RIGHTS = "signed_in_at", "rights"
ADDRESS, AGENT = "address", "agent"
# The time of last use is written at most this often.
NOTE_EVERY_SECONDS = 60
MAX_AGENT_LENGTH = 200
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def begin(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """At sign-in, when Django has just changed the key: set the end, which never moves."""
    now, session = timezone.now(), request.session
    session.set_expiry(now + timedelta(seconds=settings.SESSION_COOKIE_AGE))
    session[STARTED] = session[SEEN] = int(now.timestamp())
    session[ADDRESS] = request.META.get("REMOTE_ADDR") or ""
    session[AGENT] = request.META.get("HTTP_USER_AGENT", "")[:MAX_AGENT_LENGTH]
    session[RIGHTS] = _mark(caller_of(user), user)
    Session.objects.filter(expire_date__lte=now).delete()
    PersonSession.objects.filter(expires_at__lte=now).delete()


def keep_awake_or_end(request: HttpRequest) -> None:
    """End a session that was idle for too long, or record that a person uses it."""
    session = request.session
    if SESSION_KEY not in session:
        return
    now, seen = int(time.time()), session.get(SEEN)
    if is_idle(seen):
        session.flush()
    elif is_by_hand(request) and (seen is None or now - seen >= NOTE_EVERY_SECONDS):
        session[SEEN] = now
        try:
            # Now: at the end of the request the session may have been ended meanwhile.
            session.save()
        except UpdateError:
            session.flush()
        session.modified = False


def is_idle(seen_at: int | None) -> bool:
    idle_since = int(time.time()) - settings.ENVIRONMENT.session_idle_seconds
    return seen_at is not None and seen_at <= idle_since


def is_by_hand(request: HttpRequest) -> bool:
    """True for a person's own action, not for pages that refresh themselves and streams.

    A browser navigates with `Accept: text/html`; `app.js` marks htmx requests that follow a click
    or a key.
    """
    if request.method not in SAFE or request.headers.get("X-By-Hand"):
        return True
    return "HX-Request" not in request.headers and "text/html" in request.headers.get("Accept", "")


def change_key_with_rights(request: Any) -> None:
    """Change the session's key when the person's rights have changed.

    Only at a person's own action: streams and refreshes under way still send the old key.
    """
    session = request.session
    if SESSION_KEY not in session or request.path_info.startswith("/api/"):
        return
    if not is_by_hand(request) or request.caller.user_id is None:
        return
    mark = _mark(request.caller, request.user)
    if session.get(RIGHTS) != mark:
        session[RIGHTS] = mark
        session.cycle_key()


def _mark(caller: Caller, user: Any) -> str:
    rights = (
        caller.is_superuser, user.is_staff, sorted(caller.group_ids), sorted(caller.permissions),
    )  # fmt: skip
    return hashlib.sha256(repr(rights).encode()).hexdigest()[:16]


# --- One's own sessions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenSession:
    """A signed-in session. `name` identifies it to its owner, and cannot be used to open it."""

    name: str
    started_at: datetime | None
    seen_at: datetime | None
    address: str
    program: str
    is_current: bool


def open_sessions(user: User, current_key: str | None) -> list[OpenSession]:
    """The person's valid sessions: the current one, then by last use."""
    sessions = [
        OpenSession(
            name=_name(key),
            started_at=_time(data.get(STARTED)),
            seen_at=_time(data.get(SEEN)),
            address=data.get(ADDRESS, ""),
            program=program_of(data.get(AGENT, "")),
            is_current=key == current_key,
        )
        for key, data in _sessions_of(user)
    ]
    past = datetime.min.replace(tzinfo=UTC)
    return sorted(sessions, key=lambda s: (s.is_current, s.seen_at or past), reverse=True)


def end_sessions(user: User, *, keep: str | None, name: str = "") -> int:
    """End the named session, or all of the person's sessions, except that with the key `keep`.

    Returns how many ended.
    """
    keys = [
        key for key, _ in _sessions_of(user) if key != keep and (not name or _name(key) == name)
    ]
    PersonSession.objects.filter(digest__in=map(digest_of_session, keys)).delete()
    return Session.objects.filter(session_key__in=keys).delete()[0]


def _sessions_of(user: User) -> Iterator[tuple[str, dict[str, Any]]]:
    idle_since = int(time.time()) - settings.ENVIRONMENT.session_idle_seconds
    noted = set(PersonSession.objects.filter(user=user).values_list("digest", flat=True))
    if not noted:
        return
    # A digest cannot be reversed: each key's digest is compared, at a few microseconds.
    rows = Session.objects.filter(expire_date__gt=timezone.now())
    keys = rows.values_list("session_key", flat=True).iterator()
    own = [key for key in keys if digest_of_session(key) in noted]
    for row in rows.filter(session_key__in=own).iterator():
        data = row.get_decoded()
        if (
            data.get(SESSION_KEY) == str(user.pk)
            and data.get(HASH_SESSION_KEY) == user.get_session_auth_hash()
            and data.get(SEEN, idle_since + 1) > idle_since
        ):
            yield row.session_key, data


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


# Parts of a User-Agent, the most specific first.
_PROGRAMS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"), ("curl/", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def program_of(agent: str) -> str:
    """A User-Agent as browser and system, such as "Firefox on Linux"."""
    program = next((name for part, name in _PROGRAMS if part in agent), "")
    system = next((name for part, name in _SYSTEMS if part in agent), "")
    if program and system:
        return f"{program} on {system}"
    return program or system or "Unknown client"
