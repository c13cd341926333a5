"""A person's sessions are found by whose they are, not by looking into everybody's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from designs.models import PersonSession
from orchestra.sign_in.sessions import _sessions_of, end_sessions, open_sessions

pytestmark = pytest.mark.django_db


def test_only_ones_own_sessions_are_decoded(
    viewer: User, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many others there are."""
    for _ in range(20):
        Client().force_login(operator)
    mine = Client()
    mine.force_login(viewer)
    decoded: list[str] = []
    real = Session.get_decoded

    def count(row: Session) -> Any:
        decoded.append(row.session_key)
        return real(row)

    monkeypatch.setattr(Session, "get_decoded", count)
    assert len(open_sessions(viewer, None)) == 1
    assert decoded == [mine.session.session_key]
    decoded.clear()
    assert end_sessions(operator, keep=None) == 20
    assert len(decoded) == 20


def test_a_changed_key_is_still_ones_own(viewer: User) -> None:
    browser = Client()
    browser.force_login(viewer)
    session = browser.session
    before = session.session_key
    session.cycle_key()
    session.save()
    assert session.session_key != before
    assert [key for key, _ in _sessions_of(viewer)] == [session.session_key]
    session.flush()
    assert not PersonSession.objects.exists()
