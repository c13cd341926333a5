"""Whom a request comes from: a header is believed of trusted proxies only."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from orchestra.env import read_environment
from orchestra.server.client_address import client_of, with_client

TRUSTED = read_environment(
    {"ORCHESTRA_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7,fd00::/8", "ORCHESTRA_DATA": "/nowhere",
     "SECRET_KEY": "x", "ORCHESTRA_ENCRYPTION_KEYS": "x"}
).trusted_proxies  # fmt: skip


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["6.6.6.6", "198.51.100.1", "192.0.2.7"], "198.51.100.1"),
        ("10.1.2.3", ["10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", [" 198.51.100.1:4711 "], "198.51.100.1"),
        ("10.1.2.3", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.1.2.3", ["2001:db8::1"], "2001:db8::1"),
        ("10.1.2.3", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.1.2.3", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::5", ["198.51.100.1"], "198.51.100.1"),
        ("10.1.2.3", ["unknown"], "10.1.2.3"),
        ("10.1.2.3", ["198.51.100.1", "_hidden", "10.4.4.4"], "10.4.4.4"),
        ("10.1.2.3", ["", ""], "10.1.2.3"),
        # A socket of this machine, which only a proxy here can reach.
        ("", ["198.51.100.1"], "198.51.100.1"),
        ("nonsense", ["198.51.100.1"], "nonsense"),
    ],
)
def test_the_nearest_address_that_is_no_proxy(peer: str, said: list[str], found: str) -> None:
    assert client_of(peer, said, TRUSTED) == found


def scope(*headers: tuple[bytes, bytes], peer: Any = ("10.1.2.3", 5000)) -> dict[str, Any]:
    return {"type": "http", "client": peer, "headers": [(b"host", b"x"), *headers]}


def test_the_header_ends_at_the_door() -> None:
    said = ((b"x-forwarded-for", b"6.6.6.6"), (b"x-forwarded-for", b"198.51.100.1, 10.4.4.4"))
    found = with_client(scope(*said), TRUSTED)
    assert found["client"] == ("198.51.100.1", 0)
    assert found["headers"] == [(b"host", b"x")]
    found = with_client(scope(*said, peer=("203.0.113.9", 5000)), TRUSTED)
    assert found["client"] == ("203.0.113.9", 5000)
    assert found["headers"] == [(b"host", b"x")]
    assert with_client(scope(*said), ())["client"] == ("10.1.2.3", 5000)
    assert with_client(scope(*said, peer=None), TRUSTED)["client"] == ("198.51.100.1", 0)


def test_a_request_without_the_header_stays_as_it_is() -> None:
    plain = scope()
    assert with_client(plain, TRUSTED) is plain


def test_odd_bytes_are_no_address() -> None:
    found = with_client(scope((b"x-forwarded-for", b"\xff\xfe, \x00")), TRUSTED)
    assert found["client"] == ("10.1.2.3", 5000)


def test_nobody_is_trusted_unless_told_otherwise(tmp_path: Any) -> None:
    found = read_environment({"ORCHESTRA_DATA": str(tmp_path)}).trusted_proxies
    for peer in ("127.0.0.1", "::1", "10.1.2.3"):
        assert client_of(peer, ["198.51.100.1"], found) == peer
    here = {"ORCHESTRA_DATA": str(tmp_path), "ORCHESTRA_TRUSTED_PROXIES": "127.0.0.0/8,::1"}
    found = read_environment(here).trusted_proxies
    assert client_of("127.0.0.1", ["198.51.100.1"], found) == "198.51.100.1"
    assert client_of("::1", ["198.51.100.1"], found) == "198.51.100.1"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ORCHESTRA_TRUSTED_PROXIES", "10.0.0.0/8,proxy.local", "'proxy.local' is neither"),
        ("ORCHESTRA_SESSION_HOURS", "0", "a whole number from 1"),
        ("ORCHESTRA_SESSION_IDLE_MINUTES", "soon", "a whole number from 5"),
    ],
)
def test_a_wrong_value_stops_the_start(tmp_path: Any, name: str, value: str, said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        read_environment({"ORCHESTRA_DATA": str(tmp_path), name: value})


def test_times_are_read_as_they_are_written(tmp_path: Any) -> None:
    given = {"ORCHESTRA_SESSION_HOURS": "8", "ORCHESTRA_SESSION_IDLE_MINUTES": "30"}
    found = read_environment({"ORCHESTRA_DATA": str(tmp_path), **given})
    assert (found.session_seconds, found.session_idle_seconds) == (8 * 3600, 1800)
