"""Tells waiting processes that an execution changed. Only a doorbell: whoever hears it reads the
row.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import queue
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from designs.runtime.background import forever
from designs.runtime.loops import PerLoop, stop_task

logger = logging.getLogger(__name__)

CHANNEL = "orchestra:execution:"
CANCELS = "orchestra:cancels"
CHANGES = "orchestra:changes"
LISTENS = "orchestra:listens"
TEXTS = "orchestra:text:"
# What every process hears.
NEWS = (CANCELS, CHANGES, LISTENS)
# One command for all: the client takes longer to make and read one than Redis to publish.
_PUBLISH = "for i, channel in ipairs(KEYS) do redis.call('PUBLISH', channel, ARGV[i]) end"
# A publisher that hangs must not hold memory: older messages are worthless once rows are read
# again.
MAX_WAITING = 10_000
COMPLAIN_EVERY_SECONDS = 60.0
# After so long without a word the broker is asked for one, and after as long again given up.
SILENCE_SECONDS = 5.0
# So long the broker may take to answer what it is asked.
ANSWER_SECONDS = 2.0
# Pieces of text that wait for a slow listener; who misses one asks for the whole text again.
MAX_TEXTS = 1_000


def tell(pk: uuid.UUID, kind: str) -> None:
    """Say that something of this execution changed; `kind` is its new status or "changed". Never
    raises.
    """
    _announce(CHANNEL + pk.hex, {"kind": kind})


def tell_here(pk: uuid.UUID, kind: str) -> None:
    """`tell` for a run of which no other process has heard."""
    _announce_here(CHANNEL + pk.hex, {"kind": kind})


def tell_cancel(pk: uuid.UUID) -> None:
    """Say to whoever runs this execution that cancelling was asked for. Never raises."""
    _announce(CANCELS, {"id": pk.hex})


def tell_text(pk: uuid.UUID, piece: dict[str, Any]) -> None:
    """Say a piece of model text to those who listen. Never raises."""
    _announce(TEXTS + pk.hex, {"kind": "text", **piece})


def tell_listening(pk: uuid.UUID) -> None:
    """Ask whoever plays this execution for its texts, whole, and for what comes. Never raises."""
    _announce(LISTENS, {"id": pk.hex})


# What to forget when a row that processes remember (a key, a deployment) has changed.
on_change: list[Callable[[], None]] = []


def tell_change() -> None:
    """Say to every process that remembered rows are worth nothing now. Never raises."""
    _forget()
    _bell().ring(CHANGES, {})


def _forget() -> None:
    for forget in on_change:
        forget()


_leaving = False


def leave() -> None:
    """Say to everybody who waits in this process that it is about to end; it stays so."""
    global _leaving  # noqa: PLW0603 - one end a process
    _leaving = True
    for loop, hub in _hubs.everywhere():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(hub.deliver_to_all, {"kind": "leaving"})


def is_leaving() -> bool:
    """Whether nobody should wait here any longer."""
    return _leaving


class Watch:
    """What one waiter hears about one execution."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def next(self, timeout: float) -> dict[str, Any] | None:
        """The next message, or None after `timeout` seconds: read the row then, a message may be
        lost.
        """
        try:
            return await asyncio.wait_for(self.queue.get(), timeout)
        except TimeoutError:
            return None


@contextlib.asynccontextmanager
async def watch(pk: uuid.UUID, *, texts: bool = False) -> AsyncIterator[Watch]:
    """Hear what happens to an execution from now on, with `texts` its model text too.

    Read the row after entering, not before.
    """
    hub = running_hub()
    channels = [CHANNEL + pk.hex, *([TEXTS + pk.hex] if texts else [])]
    found = Watch()
    try:
        for channel in channels:
            await hub.add(channel, found)
        yield found
    finally:
        for channel in channels:
            await hub.remove(channel, found)


class Hub:
    """One subscription connection for all watchers of one event loop."""

    def __init__(self) -> None:
        self.on_cancel: list[Callable[[uuid.UUID], None]] = []
        self.on_listen: list[Callable[[uuid.UUID], None]] = []
        self._watchers: dict[str, set[Watch]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._starting = asyncio.Lock()
        # Whether what other processes say is heard at this moment.
        self.is_connected = False
        # Whether the broker is known to be away: nothing is to be waited for.
        self._is_away = False
        self._reader: asyncio.Task[None] | None = None
        self._client: Any = None
        self._pubsub: Any = None

    async def start(self) -> None:
        """Listen for cancel requests; watching starts it too."""
        async with self._starting:
            if self._reader is not None and not self._reader.done():
                return
            self._client = redis.asyncio.Redis.from_url(
                settings.REDIS_URL,
                # Also for what begins a connection: one that is taken and then hangs held up all
                # who wanted to listen. Waiting for messages has a time of its own.
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=ANSWER_SECONDS,
                retry=Retry(NoBackoff(), 0),
                **_kept_alive(),
            )
            self._pubsub = self._client.pubsub()
            # The first subscription makes the connection; two at once would make two.
            try:
                await self._pubsub.subscribe(*NEWS)
            except (redis.RedisError, OSError):
                self._is_away = True
            self._reader = asyncio.create_task(self._read(), name="wake-ups")

    async def close(self) -> None:
        await stop_task(self._reader)
        if self._client is not None:
            await self._pubsub.aclose()
            await self._client.aclose()

    async def add(self, channel: str, found: Watch) -> None:
        await self.start()
        first = channel not in self._watchers
        self._watchers.setdefault(channel, set()).add(found)
        if first:
            self._confirmed[channel] = asyncio.Event()
        # Without the broker the watcher still hears its own process, and reads the row now and
        # then; the channel is subscribed once the broker is back.
        if self._is_away:
            return
        if first:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._pubsub.subscribe(channel)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._confirmed[channel].wait(), ANSWER_SECONDS)

    async def remove(self, channel: str, found: Watch) -> None:
        watchers = self._watchers.get(channel, set())
        watchers.discard(found)
        if not watchers:
            self._watchers.pop(channel, None)
            self._confirmed.pop(channel, None)
            if self._is_away:
                return
            with contextlib.suppress(redis.RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    def deliver_to_all(self, message: dict[str, Any]) -> None:
        """Hand a message to everybody who waits here; on the hub's loop."""
        for watchers in self._watchers.values():
            for found in watchers:
                found.queue.put_nowait(message)

    def deliver(self, channel: str, message: dict[str, Any]) -> None:
        """Hand a message to those who wait here; on the hub's loop."""
        if channel == CHANGES:
            _forget()
        for listener in self._listeners(channel):
            listener(uuid.UUID(message["id"]))
        for found in self._watchers.get(channel, ()):
            if message.get("kind") != "text" or found.queue.qsize() < MAX_TEXTS:
                found.queue.put_nowait(message)

    def listens_to(self, channel: str) -> bool:
        """Whether anybody on this loop hears the channel at this moment; from any thread."""
        return channel in self._watchers or channel in NEWS

    def is_watched_here(self, pk: uuid.UUID) -> bool:
        """True if somebody on this loop watches with texts."""
        return TEXTS + pk.hex in self._watchers

    async def is_watched_elsewhere(self, pk: uuid.UUID) -> bool:
        """True if another process watches with texts; False too when the broker is away."""
        with contextlib.suppress(redis.RedisError, OSError):
            await self.start()
            counts = await self._client.pubsub_numsub(TEXTS + pk.hex)
            return any(count for _, count in counts)
        return False

    def _listeners(self, channel: str) -> list[Callable[[uuid.UUID], None]]:
        return {CANCELS: self.on_cancel, LISTENS: self.on_listen}.get(channel, [])

    async def _read(self) -> None:
        while True:
            try:
                if self._is_away or not self._pubsub.subscribed:
                    await self._pubsub.subscribe(*NEWS, *self._watchers)
                await self._listen()
            except (redis.RedisError, OSError, RuntimeError):
                self.is_connected, self._is_away = False, True
                # Who waits for a confirmation goes on without it.
                for confirmed in self._confirmed.values():
                    confirmed.set()
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        """Hear what comes. Raises ConnectionError when not even a ping is answered: a connection
        whose other end is gone says nothing by itself.
        """
        asked = False
        while True:
            message = await self._pubsub.get_message(timeout=SILENCE_SECONDS)
            if message is not None:
                asked = False
                self._heard(message)
            elif asked:
                await self._pubsub.connection.disconnect()
                raise redis.ConnectionError("The broker does not answer any more.")
            else:
                asked = True
                await self._pubsub.ping()

    def _heard(self, message: dict[str, Any]) -> None:
        if message["type"] == "pong":
            return
        channel = message["channel"].decode()
        if message["type"] == "subscribe" and channel == CHANGES:
            # Connected (again): what was said before, nobody here heard.
            self.is_connected, self._is_away = True, False
            _forget()
        elif message["type"] == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()
        elif message["type"] == "message":
            content = json.loads(message["data"])
            if content.pop("from", None) != _own_name():
                self.deliver(channel, content)


_hubs = PerLoop(Hub, Hub.close)


def running_hub() -> Hub:
    """The hub of the running loop, made at its first use."""
    return _hubs.get()


def _announce(channel: str, message: dict[str, Any]) -> None:
    _announce_here(channel, message)
    _bell().ring(channel, message)


def _announce_here(channel: str, message: dict[str, Any]) -> None:
    for loop, hub in _hubs.everywhere():
        # Who begins to watch after this look reads the row, which says it already.
        if hub.listens_to(channel):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(hub.deliver, channel, message)


class Bell:
    """A thread that publishes what waits in one round trip, so that no writer waits for the
    broker.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._complained = 0.0
        self._client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, **_kept_alive()
        )
        forever("bell", self._work)

    def ring(self, channel: str, message: dict[str, Any]) -> None:
        if self._waiting.qsize() < MAX_WAITING:
            self._waiting.put((channel, json.dumps({**message, "from": _own_name()})))

    def _work(self) -> None:
        batch = [self._waiting.get()]
        while not self._waiting.empty() and len(batch) < 500:
            batch.append(self._waiting.get())
        channels, texts = zip(*batch, strict=True)
        try:
            self._client.eval(_PUBLISH, len(batch), *channels, *texts)
        except (redis.RedisError, OSError) as error:
            self._complain(error)

    def _complain(self, error: Exception) -> None:
        if time.monotonic() - self._complained > COMPLAIN_EVERY_SECONDS:
            self._complained = time.monotonic()
            logger.warning(
                "Wake-ups cannot be sent (%s); waiting processes read rows instead.", error
            )


def _kept_alive() -> dict[str, Any]:
    """Options of a connection that stays: a socket of this machine needs none."""
    return {} if settings.REDIS_URL.startswith("unix://") else {"socket_keepalive": True}


_lock = threading.Lock()
_bells: dict[int, Bell] = {}
_names: dict[int, str] = {}


def _bell() -> Bell:
    pid = os.getpid()
    if pid not in _bells:
        with _lock:
            if pid not in _bells:
                _bells[pid] = Bell()
    return _bells[pid]


def _own_name() -> str:
    return _names.setdefault(os.getpid(), uuid.uuid4().hex)
