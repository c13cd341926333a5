"""Who else has a draft open: kept for a short time, and only what may be said."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from designs.access import SYSTEM
from designs.drafts import presence
from designs.drafts.presence import Person
from designs.models import Design
from designs.services import create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db

Browsers = Callable[[User], Client]


@pytest.fixture
def url() -> str:
    design = create_design(document=doubling(), caller=SYSTEM)
    return f"/designs/{design.pk}/presence/"


@pytest.fixture
def ada(make_user: Callable[..., User], browser_of: Browsers) -> Client:
    return browser_of(make_user("ada", "Designer", first_name="Ada", last_name="King Lovelace"))


@pytest.fixture
def ben(make_user: Callable[..., User], browser_of: Browsers) -> Client:
    return browser_of(make_user("ben", "Viewer"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets seconds pass."""
    at = 1_900_000_000.0

    def pass_by(seconds: float) -> None:
        nonlocal at
        at += seconds

    monkeypatch.setattr(presence, "time", SimpleNamespace(time=lambda: at))
    return pass_by


def test_two_reports_at_once_are_both_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first has read and not yet written."""
    design, join = uuid.uuid4(), presence._with
    one, two = (Person(number, f"p{number}", f"P{number}", "P") for number in (1, 2))
    second = Thread(target=presence.report, args=(design, two, "tab", None))

    def slow(tabs: list[Any], person: Person, *rest: Any) -> list[Any]:
        if person is one:
            second.start()
            second.join(0.2)
        return join(tabs, person, *rest)

    with monkeypatch.context() as slowed:
        slowed.setattr(presence, "_with", slow)
        presence.report(design, one, "tab", None)
        second.join()
    assert [tab.person for tab in presence.report(design, one, "tab", None)] == [two]


def post(browser: Client, url: str, tab: str = "one", block: Any = None) -> list[dict[str, Any]]:
    body = {"tab": tab, "block": block}
    answer = browser.post(url, body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return list(answer.json()["people"])


def test_others_are_seen_with_their_block(url: str, ada: Client, ben: Client) -> None:
    assert post(ada, url, block="letter") == []
    assert post(ben, url) == [
        {"user": "ada", "name": "Ada King Lovelace", "initials": "AL", "block": "letter"}
    ]
    assert post(ada, url) == [{"user": "ben", "name": "ben", "initials": "BE", "block": None}]
    other = create_design(document=doubling(), caller=SYSTEM)
    assert post(ben, f"/designs/{other.pk}/presence/") == []


def test_two_tabs_are_one_person_and_none_to_oneself(url: str, ada: Client, ben: Client) -> None:
    post(ada, url, "one", "letter")
    assert post(ada, url, "two", "reply") == []
    post(ada, url, "one", "letter")
    # Where something was selected last, whichever reported last.
    assert [person["block"] for person in post(ben, url)] == ["reply"]
    post(ada, url, "one", "other")
    assert [person["block"] for person in post(ben, url)] == ["other"]
    post(ada, url, "one", None)
    assert [person["block"] for person in post(ben, url)] == ["reply"]


def test_who_reports_no_more_is_gone(
    url: str, ada: Client, ben: Client, clock: Callable[[float], None]
) -> None:
    post(ada, url)
    clock(44)
    assert len(post(ben, url)) == 1
    clock(2)
    assert post(ben, url) == []


def test_there_are_bounds(url: str, ben: Client, clock: Callable[[float], None]) -> None:
    design_id = uuid.UUID(url.split("/")[2])
    people = [presence.Person(n, f"u{n}", f"n{n:03}", "NN") for n in range(1_000, 1_060)]
    for person in people:
        for tab in range(7):
            presence.report(design_id, person, str(tab), None)
    kept = cache.get(presence.PREFIX + design_id.hex)
    assert len(kept) <= presence.MAX_PEOPLE * presence.MAX_TABS
    names = [person["name"] for person in post(ben, url)]
    # The longest unheard of are left out, and oneself is one of them.
    assert names == [f"n{n:03}" for n in range(1_011, 1_060)]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b'{"block": null}', b"\xff",
        b'{"tab": 1, "block": null}', b'{"tab": "", "block": null}', b'{"tab": null}',
        b'{"tab": "a b"}', b'{"tab": "<script>"}', b'{"tab": ["a"]}', b'{"tab": "a\\u0000"}',
        b'{"tab": "one", "block": 5}', b'{"tab": "one", "block": {}}',
        b'{"tab": "one", "block": []}', b'{"tab": "one", "block": false}',
        b'{"tab": "one", "block": "a\\u0000"}', b'{"tab": "one", "block": "\\ud800"}',
        b'{"tab": "one", "tab": "two"}', b"[" * 10_000,
    ],
)  # fmt: skip
def test_what_says_something_else_is_refused(url: str, ada: Client, body: bytes) -> None:
    answer = ada.post(url, body, content_type="application/json")
    assert answer.status_code == 422, answer.content
    assert answer.json()["detail"]


def test_long_values_are_refused(url: str, ada: Client) -> None:
    for tab, block in (("x" * 65, None), ("one", "x" * 201), ("x" * 900_000, None)):
        body = json.dumps({"tab": tab, "block": block})
        assert ada.post(url, body, content_type="application/json").status_code == 422
    huge = b'{"tab": "' + b"x" * 2_000_000 + b'"}'
    assert ada.post(url, huge, content_type="application/json").status_code in (400, 413)


def test_without_the_cache_there_is_nobody(
    url: str, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("away")

    monkeypatch.setattr(presence.cache, "get", fail)
    assert post(ada, url) == []


def test_who_may_not(
    url: str, ada: Client, make_user: Callable[..., User], browser_of: Browsers
) -> None:
    assert browser_of(make_user("nobody")).post(url).status_code == 403
    assert Client().post(url).status_code == 302
    assert ada.get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="ada"))
    assert strict.post(url, {"tab": "a"}, content_type="application/json").status_code == 403
    Design.objects.all().delete()
    assert ada.post(url, {"tab": "a"}, content_type="application/json").status_code == 404


def test_who_waited_in_vain_ends_nobody_elses_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "TRIES", 1)
    design_id, me = uuid.uuid4(), Person(1, "ada", "Ada", "A")
    lock = f"{presence.PREFIX}{design_id.hex}:lock"
    cache.set(lock, True, timeout=60)
    presence.report(design_id, me, "tab", None)
    assert cache.get(lock) is True
