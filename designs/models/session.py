"""The owners of sessions, which Django keeps only inside a session's signed data."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.db import models


def digest_of_session(session_key: str) -> str:
    """Stored instead of the session key, so that the table or its backup opens no session."""
    secret = b"orchestra.session:" + settings.SECRET_KEY.encode()
    return hmac.digest(secret, session_key.encode(), hashlib.sha256).hex()


class PersonSession(models.Model):
    """Written by the session store at each sign-in and change of a session's key."""

    digest = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"session of {self.user_id}"
