"""Writes into the audit who signed in and out, and who failed to."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.utils import timezone

from designs.access import NOBODY, Caller
from designs.auditing.audit import Action, AuditEntry, note

logger = logging.getLogger(__name__)

# Anybody can fail: so many a minute are written, so that nobody fills the table.
MAX_FAILURES_A_MINUTE = 100


def watch_sign_ins() -> None:
    """At the start of a process, once."""
    user_logged_in.connect(_signed_in)
    user_logged_out.connect(_signed_out)
    user_login_failed.connect(_failed)


def _signed_in(user: User, **_: Any) -> None:
    note(Action.SIGN_IN, user, caller=_named(user))


def _signed_out(user: User | None, **_: Any) -> None:
    if user is not None:
        note(Action.SIGN_OUT, user, caller=_named(user))


def _named(user: User) -> Caller:
    return replace(NOBODY, user_id=user.pk, name=user.get_username())


def _failed(credentials: dict[str, Any], **_: Any) -> None:
    """Of names that nobody has only that there was one: it may be a password in the wrong field."""
    minute_ago = timezone.now() - timedelta(minutes=1)
    failures = AuditEntry.objects.since(minute_ago).filter(action=Action.SIGN_IN_FAILED)
    if failures.count() >= MAX_FAILURES_A_MINUTE:
        logger.warning("More sign-ins fail than the audit takes.")
        return
    name = str(credentials.get("username") or "").replace("\0", "")
    user = User.objects.filter(username=name).first()
    note(Action.SIGN_IN_FAILED, user or User(username="unknown name"))
