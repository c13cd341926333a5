"""Outgoing calls reach public addresses and what was opened, however an inner one is written."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest

from designs.outgoing.addresses import AddressRefused, check_url, is_public
from designs.outgoing.guarded_http import CallFailed, send

# PORT is the trap's. Each of these means this machine to some reader, or to the next hop.
SPELLINGS = """
http://127.0.0.1:PORT/ http://127.0.0.2:PORT/ http://127.255.255.254:PORT/ http://127.1:PORT/
http://127.0.1:PORT/ http://127.000.000.001:PORT/ http://0127.0.0.1:PORT/ http://0177.0.0.1:PORT/
http://0177.0.0.01:PORT/ http://0x7f.0.0.1:PORT/ http://0x7f000001:PORT/ http://0X7F000001:PORT/
http://2130706433:PORT/ http://017700000001:PORT/ http://0x7f.1:PORT/ http://127.0x0.0.1:PORT/
http://0.0.0.0:PORT/ http://0:PORT/ http://0x0:PORT/ http://00000:PORT/
http://localhost:PORT/ http://LOCALHOST:PORT/ http://LocalHost:PORT/ http://localhost.:PORT/
http://127.0.0.1.:PORT/ http://2130706433.:PORT/ http://localhost%2e:PORT/ http://127%2e0.0.1:PORT/
http://[::1]:PORT/ http://[0:0:0:0:0:0:0:1]:PORT/ http://[::]:PORT/ http://[::ffff:127.0.0.1]:PORT/
http://[::ffff:7f00:1]:PORT/ http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/ http://[::127.0.0.1]:PORT/
http://[64:ff9b::127.0.0.1]:PORT/ http://[64:ff9b::7f00:1]:PORT/ http://[64:ff9b:1::7f00:1]:PORT/
http://[2002:7f00:1::]:PORT/ http://[::1%25lo]:PORT/ http://[fe80::1%25eth0]:PORT/
http://[::1]@127.0.0.1:PORT/ http://public.example@127.0.0.1:PORT/ http://a:b@127.0.0.1:PORT/
http://public.example:80@127.0.0.1:PORT/ http://127.0.0.1:PORT@/ http://@127.0.0.1:PORT/
http://127.0.0.1\\@public.example:PORT/ http://public.example\\@127.0.0.1:PORT/
http://127.0.0.1:PORT\\.public.example/ http://127。0。0。1:PORT/ http://127．0．0．1:PORT/
http://localhost。:PORT/ http://①②⑦.⓪.⓪.①:PORT/ http://ⓛocalhost:PORT/ http://１２７.0.0.1:PORT/
http:127.0.0.1:PORT http:/127.0.0.1:PORT/ http:///127.0.0.1:PORT/ http:\\\\127.0.0.1:PORT/
//127.0.0.1:PORT/ 127.0.0.1:PORT ftp://127.0.0.1:PORT/ file://127.0.0.1:PORT/ gopher://127.0.0.1:PORT/
ws://127.0.0.1:PORT/ unix://127.0.0.1:PORT/ http+unix://127.0.0.1:PORT/ HTTP://127.0.0.1:PORT/
http://127.0.0.1:PORT#@public.example/ http://127.0.0.1:PORT?@public.example/
http://[127.0.0.1]:PORT/ http://[localhost]:PORT/ http://[::1:PORT/ http://::1:PORT/
http://-localhost:PORT/ http://localhost:PORT:80/ http://127.0.0.1:0PORT/ http://127.0.0.1:+PORT/
"""
INNER = """
10.0.0.1 10.255.255.255 100.64.0.1 169.254.169.254 169.254.1.1 172.16.0.1 172.31.255.255
192.168.0.1 192.0.0.192 192.0.2.1 198.18.0.1 224.0.0.1 240.0.0.1 255.255.255.255 168.63.129.16
fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 ::ffff:10.0.0.1 64:ff9b::a9fe:a9fe 2001:db8::1 2001::1
2002:a00:1:: 100::1
"""


@dataclass
class Trap:
    """A server of this machine that nothing may reach; `seen` are the requests that did."""

    port: int = 0
    seen: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def trap(
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
) -> AsyncIterator[Trap]:
    found = Trap()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            found.seen.append(await reader.read(65_536))
            writer.write(answer)
            await writer.drain()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


async def test_no_spelling_of_this_machine_gets_through() -> None:
    spellings = SPELLINGS.split()
    assert len(spellings) > 70
    async with trap() as found:
        for spelling in spellings:
            with pytest.raises(AddressRefused):
                await send(spelling.replace("PORT", str(found.port)), seconds=60)
        assert found.seen == []


@pytest.mark.parametrize("address", INNER.split())
def test_inner_addresses_are_refused_as_they_are_written(address: str) -> None:
    assert not is_public(ip_address(address))
    written = f"[{address}]" if ":" in address else address
    with pytest.raises(AddressRefused, match="inner address"):
        check_url(f"https://{written}/hook")


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::5db8:d70e"])
def test_public_addresses_are_not(address: str) -> None:
    assert is_public(ip_address(address))


async def test_what_is_opened_is_reached() -> None:
    async with trap() as found:
        url = f"http://127.0.0.1:{found.port}/hook"
        for word in ("127.0.0.1", "127.0.0.0/8", f"127.0.0.1:{found.port}"):
            assert (await send(url, content=b"{}", seconds=60, allow=[word])).body == b"ok"
        for word in ("127.0.0.2", f"127.0.0.1:{found.port + 1}", "10.0.0.0/8", "::1"):
            with pytest.raises(AddressRefused):
                await send(url, seconds=60, allow=[word])
        named = f"http://localhost:{found.port}/hook"
        assert (await send(named, seconds=60, allow=["localhost"])).status == 200
        assert len(found.seen) == 4


async def test_a_name_is_looked_up_once_and_one_inner_address_refuses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = answers_of(monkeypatch, "93.184.215.14", "127.0.0.1")
    async with trap() as found:
        with pytest.raises(AddressRefused, match="inner address"):
            await send(f"http://rebinding.example:{found.port}/", seconds=60)
        assert found.seen == []
    assert asked == ["rebinding.example"]


async def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with trap() as found:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{found.port}")
        with pytest.raises(AddressRefused):
            await send("http://10.1.2.3/", seconds=60)
        with pytest.raises(CallFailed):
            await send("http://nothing.invalid/", seconds=60)
        assert found.seen == []


async def test_redirects_are_answers() -> None:
    async with trap() as inner:
        moved = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner.port}/\r\n\r\n".encode()
        async with trap(moved) as outer:
            url = f"http://127.0.0.1:{outer.port}/"
            reply = await send(url, seconds=60, allow=[f"127.0.0.1:{outer.port}"])
        assert reply.status == 302
        assert inner.seen == []


async def test_time_and_size_are_bounded() -> None:
    dripped: list[bytes] = []

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            for _ in range(100):
                dripped.append(b".")
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(CallFailed, match=r"within 0\.5 seconds"):
            await send(url, seconds=0.5, allow=["127.0.0.1"])
        # Given up in the middle, although each byte came in time.
        assert len(dripped) < 100
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    async with trap(large) as found:
        reply = await send(f"http://127.0.0.1:{found.port}/", seconds=60, allow=["127.0.0.1"])
    assert len(reply.body) == 65_536


def answers_of(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Names have these addresses from now on; returns the list of names that were asked for."""
    asked: list[str] = []
    real: Callable[..., Any] = socket.getaddrinfo

    def answer(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host.endswith(".example"):
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]
        return real(host, port, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
