"""Connections of one socket, shared by those that accept from it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from orchestra.server.listening import MAX_AT_ONCE, Acceptor
from tests.virtual_time import use_virtual_time


class Echo(asyncio.Protocol):
    """Sends back what it hears, and counts itself in `open`."""

    def __init__(self, opened: list[Echo]) -> None:
        self.opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.opened.append(self)

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[attr-defined]

    def connection_lost(self, error: Exception | None) -> None:
        self.opened.remove(self)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as found:
        yield found


def acceptor(listener: socket.socket) -> tuple[Acceptor, list[Echo]]:
    """As another process has it: the same socket under its own number."""
    opened: list[Echo] = []
    loop = asyncio.get_running_loop()
    made = Acceptor(loop, lambda: Echo(opened), listener.dup(), load=lambda: len(opened))
    return made, opened


async def call(listener: socket.socket) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 60) == b"hello"
    return writer


async def test_those_who_share_a_socket_share_its_callers(listener: socket.socket) -> None:
    use_virtual_time()
    both = [acceptor(listener) for _ in range(2)]
    writers = await asyncio.gather(*(call(listener) for _ in range(30)))
    counts = [len(opened) for _, opened in both]
    assert sum(counts) == 30
    assert min(counts) >= 10
    for writer in writers:
        writer.close()
    for made, _ in both:
        made.close()
        await made.wait_closed()


async def test_a_busy_loop_catches_up(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One for each pass of a busy loop let a thousand callers wait for five seconds."""
    use_virtual_time()
    with ExitStack() as callers:
        for _ in range(100):
            callers.enter_context(socket.create_connection(listener.getsockname()))
        made, opened = acceptor(listener)
        while not opened:
            await asyncio.sleep(0)
        be_late_by(1.0, monkeypatch)
        for _ in range(6):
            await asyncio.sleep(0)
        # It may have been the only process that was busy: no more than that at once.
        assert MAX_AT_ONCE <= len(opened) <= MAX_AT_ONCE + 8
        made.close()
        await made.wait_closed()


async def test_after_a_long_silence_callers_are_shared_too(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_virtual_time()
    both = [acceptor(listener) for _ in range(2)]
    (await call(listener)).close()
    await asyncio.sleep(0.01)
    be_late_by(3600.0, monkeypatch)
    writers = await asyncio.gather(*(call(listener) for _ in range(30)))
    assert min(len(opened) for _, opened in both) >= 10
    for writer in writers:
        writer.close()
    for made, _ in both:
        made.close()
        await made.wait_closed()


def be_late_by(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on so many seconds have passed without a pass of the loop."""
    loop = asyncio.get_running_loop()
    before = loop.time
    monkeypatch.setattr(loop, "time", lambda: before() + seconds)


async def test_closed_it_accepts_no_more_and_keeps_what_is_open(listener: socket.socket) -> None:
    made, opened = acceptor(listener)
    writer = await call(listener)
    made.close()
    await made.wait_closed()
    waiting = asyncio.create_task(call(listener))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert len(opened) == 1
    # Nobody lost the caller: the socket's queue holds it for whoever comes next.
    other, _ = acceptor(listener)
    (await waiting).close()
    writer.close()
    other.close()
