"""Sign-ins that fail: how many are free, what is answered then, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from orchestra.sign_in.limits import ADDRESS_LAST_LIMIT, ADDRESS_LIMIT, in_words, limited_address
from tests.conftest import PASSWORD
from tests.orchestra.signing_in import HERE, THERE, attempt, fail, is_let_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one each time a password is looked at."""
    times: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str) -> str:
        times.append(salt)
        time.sleep(0.05)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return times


def test_the_fifth_failure_begins_a_lock(viewer: User, looked_at: list[str]) -> None:
    assert fail("viewer", 5) == [422, 422, 422, 422, 429]
    assert len(looked_at) == 5
    answer = attempt("viewer", PASSWORD)
    assert answer.status_code == 429
    assert 290 <= int(answer["Retry-After"]) <= 300
    assert "Try again in 5 minutes" in answer.content.decode()
    assert "sessionid" not in answer.cookies
    # Not looked at: a right password is not told from a wrong one.
    assert len(looked_at) == 5


def test_the_lock_is_of_the_account_and_the_address(viewer: User, operator: User) -> None:
    fail("viewer", 5)
    assert is_let_in("operator")
    assert is_let_in("viewer", THERE)
    assert not is_let_in("viewer")
    assert not is_let_in("viewer", HTTP_USER_AGENT="another browser")


def test_other_browsers_and_letters_count_together(viewer: User) -> None:
    for number in range(4):
        fail("viewer", 1, HTTP_USER_AGENT=f"browser {number}")
    # As Django reads the name: U+FF56 is a wide v.
    assert fail("\uff56iewer", 1, HTTP_USER_AGENT="one more") == [429]
    assert not is_let_in("viewer")


def test_the_lock_ends_by_itself(viewer: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        fail("viewer", 5)
        clock.shift(timedelta(seconds=200))
        # What is tried meanwhile makes it no longer.
        assert fail("viewer", 3) == [429, 429, 429]
        assert int(attempt("viewer")["Retry-After"]) == 100
        clock.shift(timedelta(seconds=99))
        assert "Try again in 1 second:" in attempt("viewer", PASSWORD).content.decode()
        clock.shift(timedelta(seconds=1))
        assert is_let_in("viewer")


def test_a_sign_in_forgets_the_failures(viewer: User) -> None:
    for _ in range(3):
        assert fail("viewer", 4) == [422] * 4
        assert is_let_in("viewer")
    assert not AccessAttempt.objects.exists()
    assert AccessFailureLog.objects.count() == 12
    assert AccessLog.objects.filter(username="viewer", ip_address=HERE).count() == 3


def test_failures_long_ago_do_not_count(viewer: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(3):
            assert fail("viewer", 3) == [422] * 3
            clock.shift(timedelta(minutes=5))
        assert is_let_in("viewer")


def test_many_accounts_from_one_address(viewer: User) -> None:
    statuses = [fail(f"person{number}", 1)[0] for number in range(ADDRESS_LIMIT)]
    assert statuses == [422] * (ADDRESS_LIMIT - 1) + [429]
    # Names that failed there, and those that have no account, are told the same.
    assert fail("person0", 1) == fail("another", 1) == [429]
    # Who has not failed there comes in, once the password is right.
    assert is_let_in("viewer")
    assert fail("viewer", 1) == [429]
    assert not is_let_in("viewer")
    assert is_let_in("viewer", THERE)


def test_an_address_has_a_last_limit(viewer: User, looked_at: list[str]) -> None:
    AccessAttempt.objects.create(
        username="person", ip_address=HERE, failures_since_start=ADDRESS_LAST_LIMIT,
        attempt_time=timezone.now(), get_data="", post_data="",
    )  # fmt: skip
    before = len(looked_at)
    assert not is_let_in("viewer")
    assert len(looked_at) == before


def test_a_sign_in_between_does_not_help_to_try_others(viewer: User) -> None:
    for number in range(ADDRESS_LIMIT):
        fail(f"person{number}", 1)
        if number % 4 == 0 and number < 28:
            assert is_let_in("viewer")
    assert fail("another", 1) == [429]


def test_nothing_tells_whether_there_is_an_account(viewer: User, looked_at: list[str]) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)
    answers: dict[str, list[Any]] = {}
    for name, password in (("viewer", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD)):
        before = len(looked_at)
        answers[name] = [attempt(name, password, f"203.0.113.{len(answers)}") for _ in range(6)]
        assert len(looked_at) - before == 5, name
    pages = {
        name: [
            (page.status_code, page.content.decode().count("correct username and password"))
            for page in found
        ]
        for name, found in answers.items()
    }
    assert pages["viewer"] == pages["nobody"] == pages["gone"]


def test_forms_without_a_name_or_a_password_are_no_attempts(viewer: User) -> None:
    for name, password in (("", "x"), ("viewer", ""), ("view\0er", "x"), ("x" * 300, "x")):
        for _ in range(6):
            assert attempt(name, password).status_code == 422
    assert is_let_in("viewer")


@pytest.mark.django_db(transaction=True)
def test_attempts_sent_at_once_are_no_more(
    make_user: Callable[..., User], looked_at: list[str]
) -> None:
    make_user("viewer", "Viewer")
    looked_at.clear()
    together = threading.Barrier(12)

    def one(number: int) -> int:
        together.wait()
        try:
            return attempt("viewer", HTTP_USER_AGENT=f"browser {number % 3}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(one, range(12)))
    assert len(looked_at) <= 5
    assert set(statuses) <= {422, 429}
    assert statuses.count(429) >= 7
    assert not is_let_in("viewer")


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", None),
        ("nonsense", None),
    ],
)
def test_which_address_is_counted(rf: Any, address: str, counted: str | None) -> None:
    assert limited_address(rf.get("/", REMOTE_ADDR=address)) == counted


def test_without_an_address_accounts_are_limited_all_the_same(viewer: User) -> None:
    assert fail("viewer", 5, "")[-1] == 429
    assert is_let_in("viewer")


def test_waiting_in_words() -> None:
    said = [in_words(seconds) for seconds in (1, 60, 119, 120, 121, 300)]
    assert said == ["1 second", "60 seconds", "119 seconds", "2 minutes", "3 minutes", "5 minutes"]
