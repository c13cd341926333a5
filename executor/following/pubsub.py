"""Publishes changes of executions and drafts to waiting processes, which then read the row."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import queue
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import redis

from designs.runtime.background import forever
from designs.runtime.loops import PerLoop, stop_task
from designs.runtime.patience import RareWarning
from designs.runtime.processes import PerProcess
from designs.runtime.redis_clients import PUBLISHER, SUBSCRIBER, async_redis_client, redis_client

logger = logging.getLogger(__name__)

CHANNEL = "orchestra:execution:"
CANCELS = "orchestra:cancels"
CHANGES = "orchestra:changes"
LISTENS = "orchestra:listens"
TEXTS = "orchestra:text:"
DRAFTS = "orchestra:draft:"
# Kinds of messages that no row has.
PASSING = ("text", "started", "tool", "map")
# Every process subscribes to these.
COMMON = (CANCELS, CHANGES, LISTENS)
# One command for a batch: the client takes longer to encode and decode one than Redis to publish.
_PUBLISH = "for i, channel in ipairs(KEYS) do redis.call('PUBLISH', channel, ARGV[i]) end"
# Limits the memory of a publisher whose broker hangs. Dropped messages cost only a delay.
MAX_WAITING = 10_000
# After this long without a message the broker is pinged; after as long again it counts as away.
SILENCE_SECONDS = 5.0
# Timeout of each answer from the broker.
ANSWER_SECONDS = 2.0
# Queued text messages per slow subscriber. A subscriber that misses one asks for the whole text.
MAX_TEXTS = 1_000


def publish_change(pk: uuid.UUID, kind: str) -> None:
    """`kind` is the execution's new status or "changed". Never raises."""
    _publish(CHANNEL + pk.hex, {"kind": kind})


def publish_locally(pk: uuid.UUID, kind: str) -> None:
    """`publish_change` for a run that no other process knows of."""
    _deliver_locally(CHANNEL + pk.hex, {"kind": kind})


def publish_cancel(pk: uuid.UUID) -> None:
    """Ask the process that runs this execution to cancel it. Never raises."""
    _publish(CANCELS, {"id": pk.hex})


def publish_draft(pk: uuid.UUID) -> None:
    """The draft of this design was written. Never raises."""
    _publish(DRAFTS + pk.hex, {"kind": "draft"})


def publish_text(pk: uuid.UUID, piece: dict[str, Any]) -> None:
    _publish(TEXTS + pk.hex, {"kind": "text", **piece})


def publish_started(pk: uuid.UUID, piece: dict[str, Any]) -> None:
    """A model is asked; sent along with the texts."""
    _publish(TEXTS + pk.hex, {"kind": "started", **piece})


def publish_tool(pk: uuid.UUID, piece: dict[str, Any]) -> None:
    """A tool is called, or its call waits for people; sent along with the texts."""
    _publish(TEXTS + pk.hex, {"kind": "tool", **piece})


def publish_progress(pk: uuid.UUID, piece: dict[str, Any]) -> None:
    """How far a block is that plays one thing many times; sent along with the texts."""
    _publish(TEXTS + pk.hex, {"kind": "map", **piece})


def request_texts(pk: uuid.UUID) -> None:
    """Ask the process that runs this execution for its texts so far and from now on. Never
    raises.
    """
    _publish(LISTENS, {"id": pk.hex})


# Callbacks that clear caches of rows (keys, deployments) after one of these rows changed.
on_invalidate: list[Callable[[], None]] = []


def invalidate_caches() -> None:
    """Clear the caches of rows in every process. Never raises."""
    _clear_caches()
    _publisher().publish(CHANGES, {})


def _clear_caches() -> None:
    for clear in on_invalidate:
        clear()


_is_shutting_down = False


def announce_shutdown() -> None:
    """Wake everything that waits in this process, because it is about to end."""
    global _is_shutting_down  # noqa: PLW0603 - set once per process, never reset
    _is_shutting_down = True
    for loop, hub in _hubs.everywhere():
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(hub.deliver_to_all, {"kind": "shutdown"})


def is_shutting_down() -> bool:
    return _is_shutting_down


class Subscription:
    """The messages of one subscriber about one execution or draft."""

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


def subscribe(
    pk: uuid.UUID, *, texts: bool = False
) -> contextlib.AbstractAsyncContextManager[Subscription]:
    """Subscribe to an execution's changes, with `texts` to its model text too.

    Read the row after entering, not before.
    """
    return _subscribe([CHANNEL + pk.hex, *([TEXTS + pk.hex] if texts else [])])


def subscribe_to_draft(
    pk: uuid.UUID,
) -> contextlib.AbstractAsyncContextManager[Subscription]:
    """Subscribe to the writes of a design's draft. Read the row after entering, not before."""
    return _subscribe([DRAFTS + pk.hex])


@contextlib.asynccontextmanager
async def _subscribe(channels: list[str]) -> AsyncIterator[Subscription]:
    hub = running_hub()
    subscription = Subscription()
    try:
        for channel in channels:
            await hub.add(channel, subscription)
        yield subscription
    finally:
        for channel in channels:
            await hub.remove(channel, subscription)


class Hub:
    """One subscription connection for all subscribers of one event loop."""

    def __init__(self) -> None:
        self.on_cancel: list[Callable[[uuid.UUID], None]] = []
        self.on_listen: list[Callable[[uuid.UUID], None]] = []
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._confirmed: dict[str, asyncio.Event] = {}
        self._starting = asyncio.Lock()
        # True while messages of other processes arrive.
        self.is_connected = False
        # True while the broker is known to be away: nothing waits for it.
        self._is_away = False
        self._reader: asyncio.Task[None] | None = None
        self._client: Any = None
        self._pubsub: Any = None

    async def start(self) -> None:
        """Listen for cancel requests; `add` starts it too."""
        async with self._starting:
            if self._reader is not None and not self._reader.done():
                return
            # The client's timeout covers the handshake too: a connection that hung there blocked
            # every subscriber. Waiting for messages has its own.
            self._client = async_redis_client(SUBSCRIBER)
            self._pubsub = self._client.pubsub()
            # The first subscription makes the connection; two at once would make two.
            try:
                await self._pubsub.subscribe(*COMMON)
            except (redis.RedisError, OSError):
                self._is_away = True
            self._reader = asyncio.create_task(self._read(), name="pubsub")

    async def close(self) -> None:
        await stop_task(self._reader)
        if self._client is not None:
            await self._pubsub.aclose()
            await self._client.aclose()

    async def add(self, channel: str, subscription: Subscription) -> None:
        await self.start()
        first = channel not in self._subscriptions
        self._subscriptions.setdefault(channel, set()).add(subscription)
        if first:
            self._confirmed[channel] = asyncio.Event()
        # Without the broker the subscriber still gets messages of its own process and polls the
        # row; the channel is subscribed once the broker is back.
        if self._is_away:
            return
        if first:
            with contextlib.suppress(redis.RedisError, OSError):
                await self._pubsub.subscribe(channel)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._confirmed[channel].wait(), ANSWER_SECONDS)

    async def remove(self, channel: str, subscription: Subscription) -> None:
        subscriptions = self._subscriptions.get(channel, set())
        subscriptions.discard(subscription)
        if not subscriptions:
            self._subscriptions.pop(channel, None)
            self._confirmed.pop(channel, None)
            if self._is_away:
                return
            with contextlib.suppress(redis.RedisError, OSError):
                await self._pubsub.unsubscribe(channel)

    def deliver_to_all(self, message: dict[str, Any]) -> None:
        """Queue a message for every subscriber here; call it on the hub's loop."""
        for subscriptions in self._subscriptions.values():
            for subscription in subscriptions:
                subscription.queue.put_nowait(message)

    def deliver(self, channel: str, message: dict[str, Any]) -> None:
        """Queue a message for the channel's subscribers here; call it on the hub's loop."""
        if channel == CHANGES:
            _clear_caches()
        elif channel in (CANCELS, LISTENS):
            for listener in self.on_cancel if channel == CANCELS else self.on_listen:
                listener(uuid.UUID(message["id"]))
        for subscription in self._subscriptions.get(channel, ()):
            if message.get("kind") not in PASSING or subscription.queue.qsize() < MAX_TEXTS:
                subscription.queue.put_nowait(message)

    def listens_to(self, channel: str) -> bool:
        """May be called from any thread."""
        return channel in self._subscriptions or channel in COMMON

    def is_watched_here(self, pk: uuid.UUID) -> bool:
        """True if the execution's texts have a subscriber on this loop."""
        return TEXTS + pk.hex in self._subscriptions

    async def is_watched_elsewhere(self, pk: uuid.UUID) -> bool:
        """True if its texts have a subscriber in another process; False while the broker is
        away.
        """
        with contextlib.suppress(redis.RedisError, OSError):
            await self.start()
            counts = await self._client.pubsub_numsub(TEXTS + pk.hex)
            return any(count for _, count in counts)
        return False

    async def _read(self) -> None:
        while True:
            try:
                if self._is_away or not self._pubsub.subscribed:
                    await self._pubsub.subscribe(*COMMON, *self._subscriptions)
                is_pinged = False
                while True:
                    message = await self._pubsub.get_message(timeout=SILENCE_SECONDS)
                    if message is not None:
                        is_pinged = False
                        self._handle(message)
                    elif not is_pinged:
                        is_pinged = True
                        await self._pubsub.ping()
                    else:
                        # A connection whose other end is gone reports no error by itself.
                        await self._pubsub.connection.disconnect()
                        raise redis.ConnectionError("The broker does not answer.")
            except (redis.RedisError, OSError, RuntimeError):
                self.is_connected, self._is_away = False, True
                # Whatever waits for a confirmation continues without it.
                for confirmed in self._confirmed.values():
                    confirmed.set()
                await asyncio.sleep(1)

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "pong":
            return
        channel = message["channel"].decode()
        if message["type"] == "subscribe" and channel == CHANGES:
            # Connected or reconnected: earlier messages may be lost.
            self.is_connected, self._is_away = True, False
            _clear_caches()
        elif message["type"] == "subscribe" and channel in self._confirmed:
            self._confirmed[channel].set()
        elif message["type"] == "message":
            content = json.loads(message["data"])
            if content.pop("from", None) != _own_name():
                self.deliver(channel, content)


_hubs = PerLoop(Hub, Hub.close)


def running_hub() -> Hub:
    return _hubs.get()


def _publish(channel: str, message: dict[str, Any]) -> None:
    _deliver_locally(channel, message)
    _publisher().publish(channel, message)


def _deliver_locally(channel: str, message: dict[str, Any]) -> None:
    for loop, hub in _hubs.everywhere():
        # Whoever subscribes after this check reads the row, which is up to date already.
        if hub.listens_to(channel):
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(hub.deliver, channel, message)


class Publisher:
    """A thread that publishes messages in batches, so that no writer waits for the broker."""

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._client = redis_client(PUBLISHER)
        self._warning = RareWarning(
            logger, "Changes cannot be published (%s); waiting processes poll rows instead."
        )
        forever("publisher", self._work)

    def publish(self, channel: str, message: dict[str, Any]) -> None:
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
            self._warning.log(error)


_publisher = PerProcess(Publisher).get
_own_name = PerProcess(lambda: uuid.uuid4().hex).get
