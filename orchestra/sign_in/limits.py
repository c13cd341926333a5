"""Limits of failed sign-ins for an account from an address, and for an address, with django-axes.

Each attempt is counted before its password is checked, and the count taken back when it succeeds.
So concurrent attempts, at several web processes, gain nothing over sequential ones.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username, get_cool_off
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.crypto import salted_hmac

from designs.secrets.masking import masked

logger = logging.getLogger(__name__)

# For many accounts tried from one address. An office behind one address makes mistakes too.
ADDRESS_LIMIT = 30
# From this number on no password from the address is checked: hashing costs too much.
ADDRESS_LAST_LIMIT = 300
KEEP_RECORDS = timedelta(days=90)


def cool_off() -> timedelta:
    """How long a failed sign-in counts, which is how long a lock lasts."""
    return get_cool_off() or timedelta()


def limited_address(request: HttpRequest) -> str | None:
    """The address to count; of IPv6 the /64 network, because one person has all of it."""
    text = request.META.get("REMOTE_ADDR") or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False).network_address)
    return str(address)


def locked_until(username: str | None, address: str | None, *, more: int = 0) -> datetime | None:
    """When the next attempt is allowed; None for now. `more` raises the limits."""
    since = timezone.now() - cool_off()
    rows = list(
        AccessAttempt.objects.filter(ip_address=address, attempt_time__gt=since)
        .order_by("attempt_time")
        .values_list("username", "failures_since_start", "attempt_time")
    )
    of_account = [(count, at) for name, count, at in rows if name == username]
    of_address = [(count, at) for _, count, at in rows]
    # Many people share an address: who has not failed there is not locked out by others.
    has_failed = sum(count for count, _ in of_account) > more
    ends = (
        _end(of_account, settings.AXES_FAILURE_LIMIT + more),
        _end(of_address, (ADDRESS_LIMIT if has_failed else ADDRESS_LAST_LIMIT) + more),
    )
    return max((end for end in ends if end is not None), default=None)


def _end(failures: Sequence[tuple[int, datetime]], most: int) -> datetime | None:
    """When fewer than `most` of the failures (oldest first) still count; None for now."""
    left = sum(count for count, _ in failures)
    if left < most:
        return None
    for count, at in failures:
        left -= count
        if left < most:
            return at + cool_off()
    return None


UNKNOWN = "unknown name"


def kept_name(username: str | None) -> str | None:
    """The stored form of a typed name: itself if an account has it, else only a keyed hash, because
    it may be a password in the wrong field.
    """
    if username is None:
        return None
    # Computed for every name, so that the time reveals nothing.
    digest = salted_hmac("orchestra.sign_in.unknown_name", username, algorithm="sha256").hexdigest()
    is_known = User.objects.filter(username=username).exists()
    return username if is_known else f"{UNKNOWN} {digest[:32]}"


def shown_name(kept: str | None) -> str:
    """The readable form of a stored name."""
    return UNKNOWN if kept and kept.startswith(f"{UNKNOWN} ") else kept or ""


def _name_of(request: Any, credentials: Any) -> str | None:
    return kept_name(get_client_username(request, credentials))


class SignInLimits(AxesDatabaseHandler):
    """Axes' handler with our counting; its records and commands are unchanged."""

    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        """Called once for each attempt, before its password is checked. Counts the attempt."""
        username, address = _name_of(request, credentials), request.axes_ip_address
        if locked_until(username, address) is not None:
            return True
        self.clean_expired_user_attempts(request, credentials)
        key = {
            "username": username,
            "ip_address": address,
            "user_agent": masked(request.axes_user_agent),
        }
        again: dict[str, Any] = {
            "failures_since_start": F("failures_since_start") + 1,
            "attempt_time": request.axes_attempt_time,
        }
        if not AccessAttempt.objects.filter(**key).update(**again):
            first = {**_where(request), "failures_since_start": 1, "get_data": "", "post_data": ""}
            try:
                with transaction.atomic():
                    AccessAttempt.objects.create(username=username, **first)
            except IntegrityError:
                AccessAttempt.objects.filter(**key).update(**again)
        # Of concurrent attempts each one sees those that were counted before it.
        return locked_until(username, address, more=1) is not None

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **_: Any
    ) -> None:
        """Record the failure; the last allowed one begins the lock."""
        if request is None:
            return
        request.axes_credentials = credentials
        if request.axes_locked_out:
            return
        username, address = _name_of(request, credentials), request.axes_ip_address
        request.axes_locked_out = locked_until(username, address) is not None
        if request.axes_locked_out:
            logger.warning("Sign-in is locked for an account from %s: too many failures", address)
        AccessFailureLog.objects.create(
            username=username, locked_out=request.axes_locked_out, **_where(request)
        )

    def user_logged_in(self, sender: Any, request: Any, user: Any, **more: Any) -> None:
        super().user_logged_in(sender, request, user, **more)
        before = timezone.now() - KEEP_RECORDS
        for model in (AccessLog, AccessFailureLog):
            model.objects.filter(attempt_time__lt=before).delete()


def take_back(request: HttpRequest, username: str) -> None:
    """Uncount an attempt whose password was right, but which is not a sign-in."""
    name, address = kept_name(username), limited_address(request)
    AccessAttempt.objects.filter(username=name, ip_address=address).delete()


def locked_out(request: Any, *_: Any) -> HttpResponse:
    """The answer to an attempt that was refused, or began the lock: when to try again."""
    username = _name_of(request, request.axes_credentials)
    until = locked_until(username, request.axes_ip_address) or timezone.now() + cool_off()
    seconds = max(1, math.ceil((until - timezone.now()).total_seconds()))
    context = {"wait": in_words(seconds), "until": until}
    response = render(request, "429.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response


def in_words(seconds: int) -> str:
    """A waiting time, rounded up to whole minutes from two minutes on."""
    if seconds >= 120:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{seconds} second{'s' * (seconds != 1)}"


def _where(request: Any) -> dict[str, Any]:
    return {
        "ip_address": request.axes_ip_address,
        "user_agent": masked(request.axes_user_agent),
        "http_accept": masked(request.axes_http_accept),
        "path_info": masked(request.axes_path_info),
        "attempt_time": request.axes_attempt_time,
    }
