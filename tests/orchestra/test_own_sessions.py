"""A person's sessions are found by whose they are, not by looking into everybody's."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

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


def test_what_is_noted_of_a_session_opens_none(viewer: User) -> None:
    browser = Client()
    browser.force_login(viewer)
    key = browser.session.session_key
    noted = PersonSession.objects.get()
    held = [str(getattr(noted, field.attname)) for field in noted._meta.concrete_fields]
    assert not any(key in value for value in held)
    for value in held:
        thief = Client()
        thief.cookies[settings.SESSION_COOKIE_NAME] = value
        assert thief.get("/").status_code == 302


def test_notes_go_with_their_sessions(viewer: User) -> None:
    for _ in range(3):
        Client().force_login(viewer)
    assert PersonSession.objects.count() == 3
    assert end_sessions(viewer, keep=None) == 3
    assert not PersonSession.objects.exists()
    Client().force_login(viewer)
    over = timezone.now() - timedelta(seconds=1)
    PersonSession.objects.update(expires_at=over)
    Client().force_login(viewer)
    assert PersonSession.objects.get().expires_at > over


def test_sessions_open_at_the_upgrade_stay_ones_own(viewer: User) -> None:
    browser = Client()
    browser.force_login(viewer)
    PersonSession.objects.all().delete()
    upgrade = import_module("designs.migrations.0005_hash_person_sessions")
    upgrade.note_open_sessions(apps, None)
    assert [key for key, _ in _sessions_of(viewer)] == [browser.session.session_key]
    assert len(PersonSession.objects.get().digest) == 64
