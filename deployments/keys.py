"""API keys: making, rotating, revoking them, and finding whom a key speaks for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from deployments.errors import KeyRefused
from deployments.models import ApiKey, Deployment
from designs.access import SCOPES, Caller, caller_of

# A key changed by another process is seen after at most this long; within this process at once.
REMEMBER_SECONDS = 0.5
MOST_REMEMBERED = 10_000
LAST_USED_EVERY = timedelta(minutes=1)

_remembered: dict[str, tuple[float, Caller]] = {}

REFUSED = "This API key is unknown, expired or revoked. Ask for a new one, or sign in."


def create_key(
    *,
    owner: User | Any,
    scopes: Sequence[str] = SCOPES,
    name: str = "",
    deployments: Iterable[Deployment] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its full text, which cannot be read again. Raises ValidationError for unknown
    scopes.
    """
    key = ApiKey(owner=owner, scopes=list(scopes), name=name, expires_at=expires_at)
    text = key.set_new_secret()
    key.clean()
    key.save()
    key.deployments.set(deployments)
    return key, text


def rotate_key(*, key: ApiKey) -> tuple[ApiKey, str]:
    """A new secret for the key; the old one stops working at once."""
    forget_keys()
    text = key.set_new_secret()
    key.save(update_fields=["prefix", "digest"])
    return key, text


def revoke_key(*, key: ApiKey) -> None:
    """The key stops working; its row stays for the audit."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
    forget_keys()


def remembered_caller(text: str) -> Caller | None:
    """The key's caller if it was found a moment ago; needs no database."""
    found = _remembered.get(text)
    if found is not None and found[0] > time.monotonic():
        return found[1]
    return None


def find_caller(text: str) -> Caller:
    """Whom the key speaks for: its owner, within its bounds. Raises KeyRefused."""
    parts = text.split("_", 2)
    if len(parts) != 3 or parts[0] != "orc":
        raise KeyRefused(REFUSED)
    key = ApiKey.objects.select_related("owner").filter(prefix=parts[1]).first()
    if key is None or not key.matches(parts[2]) or not key.is_usable or not key.owner.is_active:
        raise KeyRefused(REFUSED)
    caller = _caller_of_key(key)
    if len(_remembered) > MOST_REMEMBERED:
        _remembered.clear()
    _remembered[text] = (time.monotonic() + REMEMBER_SECONDS, caller)
    _note_use(key)
    return caller


def forget_keys() -> None:
    """After a change in this process."""
    _remembered.clear()


def _caller_of_key(key: ApiKey) -> Caller:
    bound = frozenset(key.deployments.values_list("pk", flat=True))
    return caller_of(
        key.owner, scopes=frozenset(key.scopes), deployment_ids=bound or None, key_id=key.pk
    )


def _note_use(key: ApiKey) -> None:
    """At most once a minute: a row that every call updates would be a lock for every call."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
