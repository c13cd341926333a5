"""Whole bodies that are odd, at each route of the API that takes one: refused, never a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.access_routes import address, make_world, routes
from tests.odd_texts import BEHIND, LONG

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_postgres]

JSON = "application/json"
WRITING = [one for one in routes() if one.is_api and one.method in ("POST", "PUT", "PATCH")]
BODIES: tuple[tuple[bytes, str], ...] = (
    *((text.encode(), JSON) for text in LONG),
    *(
        (text, JSON)
        for text in (
            b"", b"\xff\xfe", b"\x00", b"null", b"true", b"[]", b"[[]]", b'"text"', b"7",
            b"NaN", b"1e400", b"9" * 4_000, b"{", b'{"a": 1, "a": 2}', b"\xef\xbb\xbf{}",
            b'{"name": NaN}', b'{"name": 1e400}', b'{"name": -Infinity}', b'{"\\ud800": 1}',
            b'{"input_data": {"number": "\\u0000"}}', b'{"input_data": {"\\udc00": 1}}',
            b'{"input_data": []}', b'{"": {"": {"": []}}}',
        )
    ),
    (b"a=1&a=2&b[]=%00", "application/x-www-form-urlencoded"),
    (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
    (b"--x\r\n\r\n", "multipart/form-data"),
    (b"{}", "application/json; charset=utf-7"),
    (b"{}", "application/json; charset=no-such"),
    (b"{}", "\u00e9"),
    (b"a: 1", "application/yaml"),
)  # fmt: skip


@pytest.mark.parametrize("name", sorted({one.name for one in WRITING}))
def test_odd_bodies(make_user: Callable[..., User], name: str) -> None:
    make_user("root", "Administrator", is_superuser=True, is_staff=True)
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.get())
    world = make_world(User.objects.get())
    found = []
    for route in (one for one in WRITING if one.name == name):
        for body, kind in BODIES:
            answer = browser.generic(route.method, address(route, world), body, content_type=kind)
            if said := _judged(answer):
                found.append(f"{said}: {route.method} {name} {kind} {body[:60]!r}")
    assert found == []


def _judged(answer: Any) -> str:
    if answer.streaming:
        answer.close()
        return ""
    text = answer.content.decode()
    said = [words for words in BEHIND if words in text]
    return str(answer.status_code) if answer.status_code >= 500 else ", ".join(said)
