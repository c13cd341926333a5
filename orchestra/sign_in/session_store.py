"""Django's sessions in the database, with a row that says whose each is."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from designs.models import PersonSession
from designs.models.session import digest_of_session

# The form of Django's session keys.
_KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(DatabaseStore):
    """Without that row, finding a person's sessions means decoding all sessions."""

    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, even text that PostgreSQL refuses as a parameter."""
        return bool(key) and _KEY.fullmatch(str(key)) is not None

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        person, key = self.get(SESSION_KEY), self.session_key
        if person is not None and key is not None:
            PersonSession.objects.get_or_create(
                digest=digest_of_session(key),
                defaults={"user_id": int(person), "expires_at": self.get_expiry_date()},
            )

    def delete(self, session_key: Any = None) -> None:
        super().delete(session_key)
        gone = session_key or self.session_key
        if gone is not None:
            PersonSession.objects.filter(digest=digest_of_session(gone)).delete()
