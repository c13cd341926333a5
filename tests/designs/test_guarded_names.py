"""Names that lead to inner addresses: judged when connecting, by what they are at that moment."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from designs.outgoing.addresses import AddressRefused, check_url
from designs.outgoing.guarded_http import CallFailed, guarded_client, send
from tests.designs.test_guarded_http import answers_of, trap

# How a name's server may write an inner address.
ANSWERS = """
127.0.0.1 127.0.0.2 127.255.255.254 0.0.0.0 10.0.0.1 100.64.0.1 100.127.255.255 169.254.169.254
172.16.0.1 172.31.255.254 192.168.1.1 192.0.0.170 198.18.0.1 198.19.255.255 203.0.113.9
224.0.0.251 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 192.88.99.1
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b:1::7f00:1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
2002:7f00:1:: 2002:a9fe:a9fe:: fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo fe80::5efe:7f00:1 fec0::1
ff02::1 ff05::c 100::1 2001:db8::1 3fff::1 5f00::1 4000::1
"""
# Letters that other readers leave out, or take for the end of the address.
TORN = (
    "http://127.0.0.1\t:PORT/", "http://local\nhost:PORT/", " http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT/\r\nX: y", "http://127.0.0.1\x00.example:PORT/", "http://[::1\x00]:PORT/",
    "\x01http://127.0.0.1:PORT/", "ht\ttp://127.0.0.1:PORT/", "http://127.0.0.1\u2028:PORT/",
    "http://127。0.0.1:PORT/", "http://①②⑦.0.0.1:PORT/", "http://१२७.0.0.1:PORT/",
    "http://ⅼocalhost:PORT/", "http://localhoſt:PORT/", "http://127.0.0.1%09:PORT/",
    "http://xn--/@127.0.0.1:PORT/", "http://[::1]]:PORT/", "http://[[::1]]:PORT/",
    "http://[::1]x:PORT/", "http://[::ffff:127.0.0.1%25lo]:PORT/", "http://[v1.127.0.0.1]:PORT/",
)  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.split())
async def test_a_name_is_what_it_leads_to(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Alone, and behind a public address that is named first."""
    for answers in ([answer], ["93.184.215.14", answer]):
        asked = names(monkeypatch, *answers)
        async with trap() as found:
            url = f"http://inner.example:{found.port}/"
            check_url(url)
            with pytest.raises(AddressRefused, match="inner address"):
                await send(url, seconds=60)
            assert found.seen == []
        assert asked == ["inner.example"]
        monkeypatch.undo()


async def test_no_torn_spelling_gets_through() -> None:
    async with trap() as found:
        for spelling in TORN:
            with pytest.raises(AddressRefused):
                await send(spelling.replace("PORT", str(found.port)), seconds=60)
        assert found.seen == []


async def test_what_was_judged_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked at, and this machine a moment later."""
    turns = [["203.0.113.9"], ["127.0.0.1"]]
    real: Callable[..., Any] = socket.getaddrinfo
    asked: list[str] = []

    def answer(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host != "turning.example":
            return real(host, port, *more, **named)
        asked.append(host)
        found = turns.pop(0) if len(turns) > 1 else turns[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    async with trap() as found:
        url = f"http://turning.example:{found.port}/"
        # Documentation's addresses are nobody's, so opening one reaches nothing.
        with pytest.raises(CallFailed):
            await send(url, seconds=1, allow=["203.0.113.9"])
        assert asked == ["turning.example"]
        with pytest.raises(AddressRefused):
            await send(url, seconds=60, allow=["203.0.113.9"])
        assert found.seen == []


async def test_each_connection_is_judged_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is kept, as those for models are."""
    async with trap() as found:
        allow = [f"127.0.0.1:{found.port}"]
        async with guarded_client(allow, seconds=60) as client:
            assert (await client.get(f"http://127.0.0.1:{found.port}/")).status_code == 200
            names(monkeypatch, "127.0.0.1")
            assert (await client.get(f"http://ours.example:{found.port}/")).status_code == 200
            names(monkeypatch, "127.0.0.2")
            with pytest.raises(AddressRefused):
                await client.get(f"http://ours.example:{found.port}/")
        assert len(found.seen) == 2


async def test_sockets_of_this_machine_are_no_servers() -> None:
    async with guarded_client((), seconds=1) as client:
        backend = client._transport._pool._network_backend  # type: ignore[attr-defined]
        with pytest.raises(AddressRefused, match="sockets"):
            await backend.connect_unix_socket("/run/anything.sock")


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """All names of `.example` have these addresses, of either kind, from now on."""
    if not any(":" in address for address in addresses):
        return answers_of(monkeypatch, *addresses)
    asked: list[str] = []
    real: Callable[..., Any] = socket.getaddrinfo

    def answer(host: str, port: int, *more: Any, **named: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, port, *more, **named)
        asked.append(host)
        return [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (one, port, 0, 0))
            if ":" in one
            else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
