"""Model text as it comes: collected where a run is played, and told while somebody listens."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from designs.secrets.masking import GrowingText
from executor.engine.events import Event, StepFailed, StepFinished, TextDelta
from executor.following import pubsub

# Pieces that come within this time are told together.
GATHER_SECONDS = 0.05
# Who asks for a text that is not played here yet (its claim was heard before it began) is
# remembered: so many, for so long.
MAX_ASKED = 1_000
ASKED_SECONDS = 30.0


@dataclass(slots=True)
class _Text:
    """The text of a step in progress, as far as it is certain to show no secret.

    `told` is how many of its characters were told.
    """

    block_id: str
    agent_id: str | None
    number: int = 1
    text: GrowingText = field(default_factory=GrowingText)
    told: int = 0


class LiveText:
    """The texts in progress of one run; belongs to the loop that plays it."""

    def __init__(self, pk: uuid.UUID, emit: Callable[[Event], None]) -> None:
        self.pk = pk
        self.loop = asyncio.get_running_loop()
        self._emit = emit
        self._texts: dict[str, _Text] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wanted = False

    def is_wanted(self) -> bool:
        """Whether models are to be asked for text as it comes."""
        return self._wanted

    def emit(self, event: Event) -> None:
        """Keep what is of text, and pass everything on."""
        if isinstance(event, TextDelta):
            self._add(event)
        elif isinstance(event, StepFinished):
            if event.step.key in self._texts:
                self._texts[event.step.key].text.show(whole=True)
            self._tell()
            self._texts.pop(event.step.key, None)
        elif isinstance(event, StepFailed) and event.key in self._texts:
            # The next try begins its text anew.
            begun = self._texts[event.key]
            self._texts[event.key] = _Text(begun.block_id, begun.agent_id, begun.number + 1)
        self._emit(event)

    def want(self) -> None:
        """Somebody listens from now on: tell the texts so far, whole."""
        self._wanted = True
        for text in self._texts.values():
            text.told = 0
        self._tell()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _add(self, event: TextDelta) -> None:
        text = self._texts.get(event.key)
        if text is None:
            text = self._texts[event.key] = _Text(event.block_id, event.agent_id)
        text.text.add(event.text)
        if self._timer is None:
            self._timer = self.loop.call_later(GATHER_SECONDS, self._tell)

    def _tell(self) -> None:
        self.stop()
        for key, text in self._texts.items():
            shown = text.text.show()
            if len(shown) > text.told:
                piece = {
                    "key": key,
                    "block_id": text.block_id,
                    "agent_id": text.agent_id,
                    "try": text.number,
                    "at": text.told,
                    "text": shown[text.told :],
                }
                pubsub.publish_text(self.pk, piece)
                text.told = len(shown)


_played: dict[uuid.UUID, LiveText] = {}
_asked: OrderedDict[uuid.UUID, float] = OrderedDict()


@contextlib.contextmanager
def live_text(pk: uuid.UUID, emit: Callable[[Event], None]) -> Iterator[LiveText]:
    """The texts of a run that is played on the running loop, for as long as it is.

    Listeners ask for them when they begin to listen, and again when a run is claimed.
    """
    live = LiveText(pk, emit)
    hub = pubsub.running_hub()
    is_heard = hub.is_connected and _want in hub.on_listen
    if _want not in hub.on_listen:
        hub.on_listen.append(_want)
    _played[pk] = live
    asking = None
    if hub.is_watched_here(pk) or _was_asked(pk):
        live.want()
    elif not is_heard:
        asking = live.loop.create_task(_ask(hub, live))
    try:
        yield live
    finally:
        if asking is not None:
            asking.cancel()
        live.stop()
        if _played.get(pk) is live:
            del _played[pk]


async def _ask(hub: pubsub.Hub, live: LiveText) -> None:
    """Whoever asked while nothing was heard here, is not heard again: look for them."""
    if await hub.is_watched_elsewhere(live.pk):
        live.want()


def _want(pk: uuid.UUID) -> None:
    live = _played.get(pk)
    if live is not None:
        live.loop.call_soon_threadsafe(live.want)
        return
    _asked[pk] = time.monotonic()
    _asked.move_to_end(pk)
    while len(_asked) > MAX_ASKED:
        _asked.popitem(last=False)


def _was_asked(pk: uuid.UUID) -> bool:
    asked_at = _asked.pop(pk, None)
    return asked_at is not None and time.monotonic() - asked_at < ASKED_SECONDS
