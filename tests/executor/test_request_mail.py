"""Mail to members of a group about what waits for them; it never fails or holds a run."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import Group, User
from django.core import mail

from executor.decisions import look_for_untold, tell_members
from executor.decisions import mail as mails
from executor.following import sending
from executor.models import DecisionRequest
from tests.deciding import ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator", email="ana@example.com")
    join("finance", user)
    return user


@pytest.fixture
def _mail_is_set_up(settings: Any) -> None:
    changed = {"mail_url": "smtp://localhost:9", "mail_from": "orchestra@example.com"}
    settings.ENVIRONMENT = replace(configured.ENVIRONMENT, **changed)
    settings.DEFAULT_FROM_EMAIL = "orchestra@example.com"


def told() -> list[str]:
    return sorted(one.to[0] for one in mail.outbox)


@pytest.mark.usefixtures("_mail_is_set_up")
def test_each_member_who_may_decide_gets_one_with_a_link(
    ana: User, make_user: Callable[..., User]
) -> None:
    for name, group, fields in (
        ("ben", "Operator", {}), ("without", "Operator", {"email": ""}),
        ("gone", "Operator", {"is_active": False}), ("viewer", "Viewer", {}),
        ("starter", "Operator", {}),
    ):  # fmt: skip
        join("finance", make_user(name, group, **{"email": f"{name}@example.com", **fields}))
    make_user("other", "Operator", email="other@example.com")
    run = waiting_run(user=User.objects.get(username="starter"))
    request = ask(run, question="Pay\r\nBcc: x@example.com?", shown={"secret": "hidden word"})
    assert tell_members() == 2
    assert told() == ["ana@example.com", "ben@example.com"]
    sent = mail.outbox[0]
    assert sent.subject == "Decision needed: Pay Bcc: x@example.com?"
    assert sent.from_email == "orchestra@example.com"
    assert f"{configured.ENVIRONMENT.public_url}/requests/{request.pk}/" in sent.body
    assert "hidden word" not in sent.body
    assert tell_members() == 0


@pytest.mark.usefixtures("_mail_is_set_up")
def test_only_of_what_is_open_and_seen(ana: User) -> None:
    hidden, decided = ask(), ask(allows_self=True)
    ask(group="")
    assert hidden.execution is not None
    hidden.execution.deployment.groups.set([Group.objects.create(name="elsewhere")])
    cast(decided, ana)
    assert tell_members() == 0
    assert mail.outbox == []


def test_without_mail_nothing_is_asked(
    ana: User, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    monkeypatch.setattr(mails, "_next_look", 0.0)
    with django_assert_num_queries(0):
        assert tell_members() == 0
        look_for_untold()


@pytest.mark.usefixtures("_mail_is_set_up")
def test_a_server_that_is_away_is_tried_again(ana: User, settings: Any) -> None:
    ask()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    outbox = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    assert tell_members() == 0
    assert DecisionRequest.objects.get().told_at is None
    settings.EMAIL_BACKEND = outbox
    assert tell_members() == 1


@pytest.mark.usefixtures("_mail_is_set_up")
def test_an_address_that_is_refused_keeps_no_other_from_theirs(
    ana: User, make_user: Callable[..., User]
) -> None:
    User.objects.filter(pk=ana.pk).update(email="ana@exa\nmple.com")
    join("finance", make_user("ben", "Operator", email="ben@example.com"))
    ask()
    assert tell_members() == 1
    assert told() == ["ben@example.com"]


@pytest.mark.usefixtures("_mail_is_set_up")
def test_the_sweep_has_those_sent_that_were_not(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(mails, "send_telling", lambda: sent.append("told"))
    monkeypatch.setattr(mails, "_next_look", 0.0)
    look_for_untold()
    assert sent == []
    ask()
    # Not at each round.
    look_for_untold()
    assert sent == []
    monkeypatch.setattr(mails, "_next_look", 0.0)
    look_for_untold()
    assert sent == ["told"]


@pytest.mark.usefixtures("_mail_is_set_up")
def test_a_broker_that_is_away_holds_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    sender = sending.Sender()
    asked: list[str] = []

    def fails(task: str, values: dict[str, str], **options: float) -> None:
        asked.append(task)
        raise OSError("away")

    monkeypatch.setattr(sender, "_send", fails)
    sender.tell()
    sender._pool.shutdown(wait=True)
    assert asked == [sending.TELL]
