"""Names whose servers are silent hold a few threads of their own, and nobody else."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from designs.outgoing import name_lookups
from designs.outgoing.guarded_http import CallFailed, CallNotTried, send
from designs.outgoing.name_lookups import NameLookups, NameUnknown, TooManyNames
from designs.runtime.threads import in_thread


class Resolver:
    """Names that begin with `silent` are answered when the test ends."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.end = threading.Event()

    def __call__(self, host: str, port: int, *_: Any, **__: Any) -> Any:
        self.asked.append(host)
        self.threads.add(threading.current_thread())
        if host.startswith("silent"):
            self.end.wait()
            raise OSError("timed out")
        if host.startswith("unknown"):
            raise socket.gaierror("no such name")
        if host.startswith("odd"):
            raise UnicodeError("label too long")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))] * 2


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    found = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(name_lookups, "SECONDS", 60.0)
    yield found
    found.end.set()


@pytest.fixture
def _impatient(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests in which only silent names are asked for."""
    monkeypatch.setattr(name_lookups, "SECONDS", 1.0)


async def test_a_name_is_asked_for_anew_each_time(resolver: Resolver) -> None:
    names = NameLookups()
    for _ in range(2):
        assert set(await names.look_up("a.example", 80)) == {"93.184.215.14"}
    assert resolver.asked == ["a.example"] * 2
    for host in ("unknown.example", "odd.example"):
        with pytest.raises(NameUnknown, match="is not known"):
            await names.look_up(host, 80)


@pytest.mark.usefixtures("_impatient")
async def test_those_who_ask_at_once_share_one_question(resolver: Resolver) -> None:
    names = NameLookups()
    asking = [names.look_up("silent.example", 80) for _ in range(50)]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {NameUnknown}
    assert resolver.asked == ["silent.example"]


@pytest.mark.usefixtures("_impatient")
async def test_a_silent_name_is_left_alone_for_a_while(resolver: Resolver) -> None:
    names = NameLookups()
    with pytest.raises(NameUnknown, match="does not answer"):
        await names.look_up("silent.example", 80)
    for _ in range(20):
        with pytest.raises(NameUnknown, match="lately"):
            await names.look_up("silent.example", 443)
    assert resolver.asked == ["silent.example"]
    names._silent_until["silent.example"] = 0.0
    with pytest.raises(NameUnknown, match="does not answer"):
        await names.look_up("silent.example", 443)


async def test_many_silent_names_take_four_threads_and_none_that_reads_rows(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = NameLookups()
    monkeypatch.setattr(name_lookups, "SECONDS", 1.0)
    asking = [
        asyncio.ensure_future(names.look_up(f"silent{number}.example", 80)) for number in range(60)
    ]
    await asyncio.sleep(0)
    # Reads go on in their own threads while all of these are stuck.
    assert [await in_thread(lambda number=number: number) for number in range(50)] == [*range(50)]
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert sum(isinstance(answer, NameUnknown) for answer in answers) == 4
    assert sum(isinstance(answer, TooManyNames) for answer in answers) == 56
    assert len(resolver.asked) == len(resolver.threads) == 4
    # What nobody waits for any more is not asked; of those that were refused nothing is believed.
    assert len(names._line) == 0
    assert len(names._asked) == 4
    assert len(names._silent_until) == 4
    resolver.end.set()
    monkeypatch.setattr(name_lookups, "SECONDS", 60.0)
    assert await names.look_up("a.example", 80)


@pytest.mark.usefixtures("_impatient")
async def test_a_line_of_names_has_an_end(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_lookups, "MAX_WAITING", 5)
    names = NameLookups(threads=0)
    asking = [
        asyncio.ensure_future(names.look_up(f"a{number}.example", 80)) for number in range(20)
    ]
    await asyncio.sleep(0)
    assert len(names._line) == 5
    assert {type(one) for one in await asyncio.gather(*asking, return_exceptions=True)} == {
        TooManyNames
    }


@pytest.mark.usefixtures("_impatient")
async def test_calls_tell_a_silent_name_from_a_busy_moment(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("designs.outgoing.guarded_http._NAMES_OF_CALLS", NameLookups(threads=1))
    first = asyncio.ensure_future(send("http://silent1.example/", seconds=60))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(send("http://silent2.example/", seconds=60))
    with pytest.raises(CallFailed, match="does not answer") as failed:
        await first
    assert not isinstance(failed.value, CallNotTried)
    with pytest.raises(CallNotTried):
        await second


async def test_names_of_models_do_not_wait_for_those_of_callbacks(
    resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from designs.outgoing.guarded_http import GuardedTransport

    calls = NameLookups(threads=1)
    monkeypatch.setattr("designs.outgoing.guarded_http._NAMES_OF_CALLS", calls)
    monkeypatch.setattr("designs.outgoing.guarded_http._NAMES_OF_CLIENTS", NameLookups())
    stuck = asyncio.ensure_future(calls.look_up("silent.example", 80))
    while not resolver.asked:
        await asyncio.sleep(0.01)
    backend: Any = GuardedTransport(())._pool._network_backend  # type: ignore[attr-defined]
    assert await backend._names.look_up("a.example", 80)
    assert not stuck.done()
    resolver.end.set()
    with pytest.raises(NameUnknown):
        await stuck
