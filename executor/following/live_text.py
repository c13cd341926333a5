"""Collects model text where a run is executed, and publishes it while there are listeners."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from designs.runtime.cache import ExpiringSet
from designs.secrets.masking import GrowingText
from executor.engine.events import Event, StepFailed, StepFinished, TextDelta
from executor.following import pubsub

# Pieces within this time are published together.
GATHER_SECONDS = 0.05
# Requests for runs that are not here (yet: a claim is published before the run begins) are kept up
# to this number, for this time.
MAX_REQUESTED = 1_000
REQUESTED_SECONDS = 30.0


@dataclass(slots=True)
class _Text:
    """The text of a step in progress. `text` shows only what certainly contains no secret;
    `published` counts the characters that were published.
    """

    block_id: str
    agent_id: str | None
    number: int = 1
    text: GrowingText = field(default_factory=GrowingText)
    published: int = 0


class LiveText:
    """The texts in progress of one run; belongs to the loop that runs it."""

    def __init__(self, pk: uuid.UUID, emit: Callable[[Event], None]) -> None:
        self.pk = pk
        self.loop = asyncio.get_running_loop()
        self._emit = emit
        self._texts: dict[str, _Text] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wanted = False

    def is_wanted(self) -> bool:
        """True if models should stream their text."""
        return self._wanted

    def emit(self, event: Event) -> None:
        """Keep text, and pass every event on."""
        if isinstance(event, TextDelta):
            text = self._texts.get(event.key)
            if text is None:
                text = self._texts[event.key] = _Text(event.block_id, event.agent_id)
            text.text.add(event.text)
            if self._timer is None:
                self._timer = self.loop.call_later(GATHER_SECONDS, self._publish)
        elif isinstance(event, StepFinished):
            if event.step.key in self._texts:
                self._texts[event.step.key].text.show(whole=True)
            self._publish()
            self._texts.pop(event.step.key, None)
        elif isinstance(event, StepFailed) and event.key in self._texts:
            # The next try starts its text over.
            failed = self._texts[event.key]
            self._texts[event.key] = _Text(failed.block_id, failed.agent_id, failed.number + 1)
        self._emit(event)

    def want(self) -> None:
        """Publish from now on, beginning with the whole texts so far."""
        self._wanted = True
        for text in self._texts.values():
            text.published = 0
        self._publish()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _publish(self) -> None:
        self.stop()
        for key, text in self._texts.items():
            shown = text.text.show()
            if len(shown) > text.published:
                piece = {
                    "key": key,
                    "block_id": text.block_id,
                    "agent_id": text.agent_id,
                    "try": text.number,
                    "at": text.published,
                    "text": shown[text.published :],
                }
                pubsub.publish_text(self.pk, piece)
                text.published = len(shown)


_running: dict[uuid.UUID, LiveText] = {}
_requested: ExpiringSet[uuid.UUID] = ExpiringSet(
    seconds=REQUESTED_SECONDS, max_entries=MAX_REQUESTED
)


@contextlib.contextmanager
def live_text(pk: uuid.UUID, emit: Callable[[Event], None]) -> Iterator[LiveText]:
    """The texts of a run on the running loop, until the block ends.

    Listeners request them when they subscribe, and again when a run is claimed.
    """
    live = LiveText(pk, emit)
    hub = pubsub.running_hub()
    gets_requests = hub.is_connected and _want in hub.on_listen
    if _want not in hub.on_listen:
        hub.on_listen.append(_want)
    _running[pk] = live
    look = None
    if hub.is_watched_here(pk) or pk in _requested:
        live.want()
    elif not gets_requests:
        look = live.loop.create_task(_look_for_listeners(hub, live))
    _requested.discard(pk)
    try:
        yield live
    finally:
        if look is not None:
            look.cancel()
        live.stop()
        if _running.get(pk) is live:
            del _running[pk]


async def _look_for_listeners(hub: pubsub.Hub, live: LiveText) -> None:
    """Requests that were published while this process was not subscribed are not repeated."""
    if await hub.is_watched_elsewhere(live.pk):
        live.want()


def _want(pk: uuid.UUID) -> None:
    live = _running.get(pk)
    if live is not None:
        live.loop.call_soon_threadsafe(live.want)
        return
    _requested.add(pk)
