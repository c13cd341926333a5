"""Django's sessions in the database, with a note of whose each is."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from designs.models import PersonSession
from designs.models.session import digest_of_session

# As Django makes them.
_KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(DatabaseStore):
    """Without the note, finding a person's sessions means to decode everybody's."""

    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, also what PostgreSQL does not take in a question."""
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
