"""A connection's record as calls use it: read once, compared whole, its secrets still encrypted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from designs.secrets import masking
from designs.secrets.encryption import Secret, SecretUnreadable
from executor.models import ToolAuth, ToolConnection
from executor.tool_connections.sign_in import SignIn

# Every address: connections that administrators opened lead to inner ones too.
EVERYWHERE = ("0.0.0.0/0", "::/0")


class ConnectionUnusable(Exception):
    """Nothing can be sent by this connection; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class ConnectionSnapshot:
    """The record of a connection; secrets are bound to their places (see `Secret`)."""

    id: int
    name: str
    kind: str
    url: str
    auth: str
    auth_name: str
    token_url: str
    secret_token: str
    secret_place: str
    headers_token: str
    headers_place: str
    is_guarded: bool
    is_enabled: bool
    timeout_seconds: int
    max_response_bytes: int
    max_concurrent_calls: int
    protocol: str
    # A test that passed changes the snapshot, and so replaces a breaker that is open.
    passed_at: datetime | None

    @property
    def allow(self) -> tuple[str, ...]:
        """The inner addresses that it may lead to."""
        return tuple(settings.ENVIRONMENT.egress_allow) if self.is_guarded else EVERYWHERE

    def sign_in(self) -> SignIn:
        """Raises ConnectionUnusable."""
        try:
            secret = Secret(token=self.secret_token, place=self.secret_place).reveal()
            stored = Secret(token=self.headers_token, place=self.headers_place).reveal()
        except SecretUnreadable as error:
            raise ConnectionUnusable(
                f"The tool connection {self.name} has no usable secret. {error}"
            ) from error
        if self.auth != ToolAuth.NONE and not secret:
            raise ConnectionUnusable(
                f"The tool connection {self.name} has no secret: type one on its page."
            )
        headers: dict[str, str] = json.loads(stored) if stored else {}
        masking.learn(*headers.values())
        return SignIn(self.auth, self.auth_name, secret, self.token_url, headers)


def snapshot_of(row: ToolConnection) -> ConnectionSnapshot:
    return ConnectionSnapshot(
        id=row.pk,
        name=row.name,
        kind=row.kind,
        url=row.url,
        auth=row.auth,
        auth_name=row.auth_name,
        token_url=row.token_url,
        secret_token=row.secret.token,
        secret_place=row.secret.place,
        headers_token=row.headers.token,
        headers_place=row.headers.place,
        is_guarded=row.is_guarded,
        is_enabled=row.is_enabled,
        timeout_seconds=row.timeout_seconds,
        max_response_bytes=row.max_response_bytes,
        max_concurrent_calls=row.max_concurrent_calls,
        protocol=row.protocol,
        passed_at=row.tested_at if row.test_passed else None,
    )
