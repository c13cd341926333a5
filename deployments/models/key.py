"""API keys: owner, scopes, bounds, and a hash of the secret."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from deployments.models.deployment import Deployment
from deployments.models.limits import CallLimits
from designs.access import SCOPES, Caller
from designs.rows.ids import new_id
from designs.secrets.masking import masked

# The longest chain of keys that made each other; bounded, so that one query reads it.
MAX_MAKERS = 4


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def with_makers(self) -> ApiKeyQuerySet:
        """With the keys that made each key, in one query."""
        # One more, where the chain is seen to end.
        return self.select_related("__".join(["made_by"] * (MAX_MAKERS + 1)))

    def for_caller(self, caller: Caller) -> ApiKeyQuerySet:
        """One's own keys, or all with the right to change any. A bound key sees keys within its
        bounds.
        """
        if not caller.may("deployments.view_apikey"):
            return self.none()
        rows = self
        if caller.deployment_ids is not None:
            beyond = Deployment.objects.exclude(pk__in=caller.deployment_ids)
            rows = rows.exclude(deployments=None).exclude(deployments__in=beyond)
        if caller.may("deployments.change_apikey"):
            return rows
        return rows.filter(owner_id=caller.user_id)


class ApiKey(CallLimits):
    """`orc_<prefix>_<secret>`: the prefix finds the row, the secret is stored as a keyed hash."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=200, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    # It ends with the key that made it, and its requests count towards that key's limits, too.
    made_by = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.CASCADE, related_name="made"
    )
    prefix = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    # After a rotation the old secret may still work for a while.
    previous_digest = models.CharField(max_length=64, blank=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = models.JSONField(default=list)
    deployments = models.ManyToManyField(Deployment, blank=True, related_name="keys")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_address = models.GenericIPAddressField(null=True, blank=True, editable=False)
    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"orc_{self.prefix}_…"

    def save(self, *args: Any, **kwargs: Any) -> None:
        # People paste a key as its own name, where everybody could read it.
        self.name = masked(self.name)
        super().save(*args, **kwargs)

    @property
    def makers(self) -> Iterator[ApiKey]:
        """The key that made this one, the key that made that, and so on."""
        maker = self.made_by
        while maker is not None:
            yield maker
            maker = maker.made_by

    @property
    def is_usable(self) -> bool:
        """True if neither it nor a key that it comes from is revoked or expired."""
        now = timezone.now()
        return all(
            key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
            for key in (self, *self.makers)
        )

    @property
    def is_overlapping(self) -> bool:
        """True while the previous secret still works."""
        return self.previous_until is not None and self.previous_until > timezone.now()

    def set_new_secret(self, *, overlap_seconds: float = 0) -> str:
        """Give the key a new secret; returns the whole key, which cannot be read again. The
        previous secret works for `overlap_seconds` more.
        """
        self.prefix = self.prefix or secrets.token_hex(4)
        now = timezone.now()
        self.previous_digest = self.digest if overlap_seconds else ""
        self.previous_until = now + timedelta(seconds=overlap_seconds) if overlap_seconds else None
        secret = secrets.token_urlsafe(32)
        self.digest = digest_of(secret)
        return f"orc_{self.prefix}_{secret}"

    def works_until(self, secret: str) -> datetime | None:
        """When this secret expires; None if it is wrong. Compared in constant time."""
        digest = digest_of(secret)
        is_present = hmac.compare_digest(self.digest, digest)
        is_previous = hmac.compare_digest(self.previous_digest or "-" * 64, digest)
        if is_present:
            return self.expires_at or datetime.max.replace(tzinfo=UTC)
        return self.previous_until if is_previous and self.is_overlapping else None

    def clean(self) -> None:
        unknown = [scope for scope in self.scopes if scope not in SCOPES]
        if unknown:
            raise ValidationError(
                {"scopes": f"Unknown scope {unknown[0]!r}: choose from {', '.join(SCOPES)}."}
            )


def digest_of(secret: str) -> str:
    """HMAC-SHA256 with the installation's secret key: random keys need no slow hash, and a stolen
    database alone is useless.
    """
    return hmac.new(settings.SECRET_KEY.encode(), secret.encode(), hashlib.sha256).hexdigest()
