"""API keys: make, rotate and revoke them, and find a key's caller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from deployments.errors import KeyBeyond, KeyRefused, KeyRevoked
from deployments.models import CALL_LIMITS, MAX_MAKERS, ApiKey, Deployment
from designs.access import DEFAULT_SCOPES, SYSTEM, Caller, MakerKey, caller_of
from designs.acting import recorded_as
from designs.auditing.audit import Action
from designs.rows.locking import lock_row
from designs.runtime.cache import CacheEntry, TimedCache
from executor.following import pubsub

# Changes are published to all processes; without the broker this is how late they are seen.
CACHE_SECONDS = 0.5
MAX_CACHED = 10_000
LAST_USED_EVERY = timedelta(minutes=1)
MAX_OVERLAP_SECONDS = 7 * 86_400

# The text of a key, and where it comes from.
Asked = tuple[str, str | None]

# The deployments that keys and their makers are bound to, and the groups of owners.
_READ_WITH_KEYS: tuple[Any, ...] = (
    "owner__groups",
    *(
        Prefetch("__".join(["made_by"] * depth + ["deployments"]), Deployment.objects.only("pk"))
        for depth in range(MAX_MAKERS + 1)
    ),
)

cache: TimedCache[str, Caller] = TimedCache(seconds=CACHE_SECONDS, max_entries=MAX_CACHED)

REFUSED = "This API key is unknown, expired or revoked. Ask for a new one, or sign in."


def create_key(
    *,
    owner: User | Any,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    name: str = "",
    deployments: Iterable[Deployment] = (),
    expires_at: datetime | None = None,
    maker: Caller = SYSTEM,
    **limits: int | None,
) -> tuple[ApiKey, str]:
    """A new key and its full text, which cannot be read again. A `maker` that is a key itself makes
    only keys that can do no more. Raises ValidationError for unknown scopes, KeyBeyond.
    """
    bound = list(deployments)
    key = ApiKey(
        owner=owner,
        scopes=list(dict.fromkeys(scopes)),
        name=name,
        expires_at=expires_at,
        **limits,
    )
    text = key.set_new_secret()
    key.clean()
    with transaction.atomic():
        key.made_by = _maker_of(maker)
        _check_within(maker, key, {deployment.pk for deployment in bound})
        key.save()
        key.deployments.set(bound)
    return key, text


def rotate_key(
    *, key: ApiKey, overlap_seconds: float = 0, maker: Caller = SYSTEM
) -> tuple[ApiKey, str]:
    """A new secret for the key; the one before works for `overlap_seconds` more, or not at all.

    Raises KeyBeyond, KeyRevoked, RowGone.
    """
    with transaction.atomic():
        key = lock_row(ApiKey.objects.all(), key.pk)
        if key.revoked_at is not None:
            raise KeyRevoked("This key was revoked. Make a new one.")
        is_own = maker.key_id in (None, key.pk)
        if not is_own and maker.key_id not in {ancestor.pk for ancestor in key.makers}:
            raise KeyBeyond(
                "A key renews itself and the keys that it made. Sign in to renew others."
            )
        _check_within(maker, key, set(key.deployments.values_list("pk", flat=True)))
        text = key.set_new_secret(overlap_seconds=min(overlap_seconds, MAX_OVERLAP_SECONDS))
        with recorded_as(Action.ROTATE):
            key.save(update_fields=["prefix", "digest", "previous_digest", "previous_until"])
        _invalidate_keys()
    return key, text


def revoke_key(*, key: ApiKey) -> None:
    """It stops working at once in every process; its row stays for the audit."""
    with transaction.atomic():
        stored = lock_row(ApiKey.objects.all(), key.pk)
        if stored.revoked_at is None:
            stored.revoked_at = timezone.now()
            with recorded_as(Action.REVOKE):
                stored.save(update_fields=["revoked_at"])
    key.revoked_at = stored.revoked_at
    _invalidate_keys()


def cached_caller(text: str) -> CacheEntry[Caller] | None:
    """The caller of a key that was looked up a moment ago; needs no database."""
    return cache.get(text)


def find_caller(text: str, address: str | None = None) -> Caller:
    """The key's owner, within the key's bounds. Raises KeyRefused. The `address` of the call is
    stored with the time of last use.
    """
    caller = find_callers([(text, address)])[text, address]
    if isinstance(caller, KeyRefused):
        raise caller
    return caller


def find_callers(asked: Sequence[Asked]) -> dict[Asked, Caller | KeyRefused]:
    """Look up many keys at once, by one query for each table."""
    generation = cache.generation()
    parts = {text: text.split("_", 2) for text, _ in asked if "\0" not in text}
    secrets = {
        text: (part[1], part[2])
        for text, part in parts.items()
        if len(part) == 3 and part[0] == "orc"
    }
    rows = ApiKey.objects.with_makers().select_related("owner").prefetch_related(*_READ_WITH_KEYS)
    keys = {key.prefix: key for key in rows.filter(prefix__in={pre for pre, _ in secrets.values()})}
    callers: dict[Asked, Caller | KeyRefused] = {}
    used: dict[str | None, list[ApiKey]] = {}
    for text, address in asked:
        prefix, secret = secrets.get(text, ("", ""))
        caller = _checked(text, keys.get(prefix), secret, generation)
        callers[text, address] = caller or KeyRefused(REFUSED)
        if caller is not None:
            used.setdefault(address or None, []).append(keys[prefix])
    for address, used_keys in used.items():
        _note_use(used_keys, address)
    return callers


def _checked(text: str, key: ApiKey | None, secret: str, generation: int) -> Caller | None:
    """The key's caller, who is cached; None for a key that is not valid."""
    until = None if key is None else key.works_until(secret)
    if key is None or until is None or not key.is_usable or not key.owner.is_active:
        return None
    caller = _caller_of_key(key)
    ends = [until, *(maker.expires_at for maker in key.makers if maker.expires_at)]
    left = (min(ends) - timezone.now()).total_seconds()
    cache.put(text, caller, generation, left)
    return caller


def forget_keys() -> None:
    """After a change in this process."""
    cache.clear()


pubsub.on_invalidate.append(forget_keys)


def _invalidate_keys() -> None:
    forget_keys()
    transaction.on_commit(pubsub.invalidate_caches)


def _maker_of(maker: Caller) -> ApiKey | None:
    """The key that makes another one, locked so that it is not revoked meanwhile; None for a
    person. Raises KeyBeyond, KeyRefused.
    """
    if maker.key_id is None:
        return None
    own = lock_row(ApiKey.objects.all(), maker.key_id)
    if not own.is_usable:
        raise KeyRefused(REFUSED)
    if len(list(own.makers)) >= MAX_MAKERS:
        raise KeyBeyond(
            "This key was made by a key, and so on: it makes no more. Sign in for that."
        )
    return own


def _check_within(maker: Caller, key: ApiKey, bound: set[Any]) -> None:
    """Raises KeyBeyond if a key would get another that can do more than itself."""
    if maker.key_id is None:
        return
    own = ApiKey.objects.get(pk=maker.key_id)
    if not set(key.scopes) <= (maker.scopes or frozenset()):
        raise KeyBeyond("A key makes keys within its own scopes only. Sign in to make others.")
    if maker.deployment_ids is not None and not (bound and bound <= maker.deployment_ids):
        raise KeyBeyond("This key is bound to deployments: bind the other one to some of these.")
    if own.expires_at and (key.expires_at is None or key.expires_at > own.expires_at):
        raise KeyBeyond(f"This key expires at {own.expires_at:%Y-%m-%d %H:%M} UTC: end no later.")
    for name in CALL_LIMITS:
        most, asked = getattr(own, name), getattr(key, name)
        if most is not None and (asked is None or asked > most):
            raise KeyBeyond(f"This key has a limit ({name}: {most}): give the other one no more.")


def _caller_of_key(key: ApiKey) -> Caller:
    scopes, bound = _bounds(key)
    makers = list(key.makers)
    for maker in makers:
        # A key loses each right that the key that made it loses.
        narrower, within = _bounds(maker)
        scopes &= narrower
        bound = bound if within is None else within if bound is None else bound & within
    return caller_of(
        key.owner,
        scopes=scopes,
        deployment_ids=bound,
        makers=tuple(
            MakerKey(maker.pk, maker.requests_per_minute, maker.requests_per_day)
            for maker in makers
        ),
        key_id=key.pk,
        key_name=f"{key.name} ({key})" if key.name else str(key),
        requests_per_minute=key.requests_per_minute,
        requests_per_day=key.requests_per_day,
        # Counted over the key that made it and all that this one has made.
        max_concurrent=min(
            (row.max_concurrent for row in (key, *makers) if row.max_concurrent is not None),
            default=None,
        ),
    )


def _bounds(key: ApiKey) -> tuple[frozenset[str], frozenset[Any] | None]:
    """Its scopes, and the deployments that it is bound to; None if it is bound to none."""
    bound = frozenset(deployment.pk for deployment in key.deployments.all())
    return frozenset(key.scopes), bound or None


def _note_use(keys: Sequence[ApiKey], address: str | None) -> None:
    """Writes at most once a minute: updating the row at every call would lock it for every call."""
    now = timezone.now()
    noted = [
        key.pk
        for key in keys
        if key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY
    ]
    if noted:
        used = ApiKey.objects.filter(pk__in=noted)
        used.update(last_used_at=now, last_used_address=address)
