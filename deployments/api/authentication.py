"""Authenticates calls of the API: by key or by session."""

from __future__ import annotations

import copy
import functools
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from deployments.access.keys import Asked, cached_caller, find_caller, find_callers
from deployments.errors import KeyRefused
from designs.access import Caller, caller_of
from designs.acting import act_as
from designs.runtime.gathering import BatchedReads
from designs.runtime.loops import PerLoop
from designs.runtime.threads import in_thread, release_request

# Keys that are looked up by one reading.
MAX_TOGETHER = 50
# After a reading, when others wait: who comes within so long is read with them.
PAUSE_SECONDS = 0.02


def key_text(request: Request | HttpRequest) -> str | None:
    """The key from `Authorization: Bearer …` or `X-API-Key`; None if neither is sent."""
    header = request.META.get("HTTP_AUTHORIZATION", "").strip()
    if header:
        kind, _, value = header.partition(" ")
        if kind.lower() != "bearer" or not value.strip():
            raise AuthenticationFailed(
                "Send the key as `Authorization: Bearer orc_…` or as `X-API-Key: orc_…`."
            )
        return value.strip()
    return request.META.get("HTTP_X_API_KEY", "").strip() or None


def caller_of_key(text: str, address: str | None = None) -> Caller:
    """Raises AuthenticationFailed for a key that is not valid."""
    entry = cached_caller(text)
    if entry is not None:
        return entry.value
    try:
        return find_caller(text, address)
    except KeyRefused as error:
        raise AuthenticationFailed(str(error)) from error


async def caller_of_key_async(text: str, address: str | None = None) -> Caller:
    """Like `caller_of_key`; keys that arrive together are looked up together."""
    entry = cached_caller(text)
    if entry is not None:
        if entry.take_refresh():
            _gathered.get().begin((text, address))
        return entry.value
    # While it waits, it must not hold a connection that the look-up needs.
    release_request()
    caller = await _gathered.get().ask((text, address))
    if isinstance(caller, KeyRefused):
        raise AuthenticationFailed(str(caller))
    return caller


_gathered = PerLoop(
    functools.partial(
        BatchedReads[Asked, Caller | KeyRefused],
        lambda asked: in_thread(find_callers, asked),
        max_keys=MAX_TOGETHER,
        max_readers=2,
        pause=PAUSE_SECONDS,
    ),
    BatchedReads.close,
)


class ApiKeyAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        text = key_text(request)
        if text is None:
            return None
        caller = caller_of_key(text, request.META.get("REMOTE_ADDR"))
        act_as(caller)
        return KeyUser(), caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Orchestra"'


class KeyUser:
    """DRF wants a user; what a key may do depends on its caller alone."""

    is_authenticated = True
    is_active = True
    pk = None


class SignedInAuthentication(SessionAuthentication):
    """A person's session, with its CSRF check on every method that changes something."""

    def authenticate(self, request: Request) -> tuple[Any, Caller] | None:
        authenticated = super().authenticate(request)
        if authenticated is None:
            return None
        user, caller = authenticated[0], caller_of(authenticated[0])
        act_as(caller)
        return user, caller

    def enforce_csrf(self, request: Request) -> None:
        check_csrf(request._request)


def check_csrf(request: HttpRequest, method: str | None = None) -> None:
    """Raises PermissionDenied if a request with this method needs a CSRF token and has none."""
    judged = copy.copy(request)
    judged.method = method or request.method
    # The API's token comes in its header. Looking for it in a form would read and parse the body
    # of a caller without rights, and answer 415 if it is no form.
    judged._post, judged._files = QueryDict(), MultiValueDict()  # type: ignore[attr-defined]
    SessionAuthentication().enforce_csrf(judged)  # type: ignore[arg-type]
