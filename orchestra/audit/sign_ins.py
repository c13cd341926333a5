"""Records sign-ins, sign-outs and failed sign-ins in the audit. Importing it connects them."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.utils import timezone

from designs.access import NOBODY, Caller
from designs.auditing.audit import Action, AuditEntry, note

logger = logging.getLogger(__name__)

# Anyone can cause failures: the maximum keeps the table from being filled.
MAX_FAILURES_A_MINUTE = 100


@receiver(user_logged_in)
def record_sign_in(user: User, **_: Any) -> None:
    note(Action.SIGN_IN, user, caller=_named(user))


@receiver(user_logged_out)
def record_sign_out(user: User | None, **_: Any) -> None:
    if user is not None:
        note(Action.SIGN_OUT, user, caller=_named(user))


def _named(user: User) -> Caller:
    return replace(NOBODY, user_id=user.pk, name=user.get_username())


@receiver(user_login_failed)
def record_failure(credentials: dict[str, Any], **_: Any) -> None:
    """Unknown names are not recorded: one may be a password in the wrong field."""
    minute_ago = timezone.now() - timedelta(minutes=1)
    failures = AuditEntry.objects.since(minute_ago).filter(action=Action.SIGN_IN_FAILED)
    if failures.count() >= MAX_FAILURES_A_MINUTE:
        logger.warning("Too many sign-ins fail: not all of them are in the audit.")
        return
    name = str(credentials.get("username") or "").replace("\0", "")
    user = User.objects.filter(username=name).first()
    note(Action.SIGN_IN_FAILED, user or User(username="unknown name"))
