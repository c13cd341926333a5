"""Collects the calls and texts in progress where a run is executed, and publishes them while there
are listeners.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from designs.graph.nesting import root_block
from designs.runtime.cache import ExpiringSet
from designs.secrets.masking import GrowingText
from executor.engine.events import (
    BlockChanged,
    BlockProgress,
    Event,
    StepFailed,
    StepFinished,
    StepStarted,
    TextDelta,
    ToolChanged,
)
from executor.following import pubsub

# Pieces within this time are published together.
GATHER_SECONDS = 0.05
# Requests for runs that are not here (yet: a claim is published before the run begins) are kept up
# to this number, for this time.
MAX_REQUESTED = 1_000
REQUESTED_SECONDS = 30.0
# Longer arguments of a call, in characters, are in its row alone.
MAX_ARGUMENTS = 20_000


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
    """The calls and texts in progress of one run; belongs to the loop that runs it."""

    def __init__(self, pk: uuid.UUID, emit: Callable[[Event], None]) -> None:
        self.pk = pk
        self.loop = asyncio.get_running_loop()
        self._emit = emit
        self._texts: dict[str, _Text] = {}
        # By step key, the last call of each step that has not finished.
        self._started: dict[str, StepStarted] = {}
        # By step key, the calls of tools that have no result.
        self._tools: dict[str, ToolChanged] = {}
        self._progress: dict[str, dict[str, Any]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wanted = False

    def is_wanted(self) -> bool:
        """True if models should stream their text."""
        return self._wanted

    def emit(self, event: Event) -> None:
        """Keep what is in progress, and pass every event on."""
        keep = _KEEPERS.get(type(event))
        if keep is not None:
            keep(self, event)
        self._emit(event)

    def _start(self, event: StepStarted) -> None:
        self._started[event.key] = event
        if self._wanted:
            pubsub.publish_started(self.pk, _piece(event))

    def _change_tool(self, event: ToolChanged) -> None:
        if event.status == "finished":
            # Its row says so.
            self._tools.pop(event.key, None)
            return
        self._tools[event.key] = event
        if self._wanted:
            pubsub.publish_tool(self.pk, _tool_piece(event))

    def _add_text(self, event: TextDelta) -> None:
        text = self._texts.get(event.key)
        if text is None:
            text = self._texts[event.key] = _Text(event.block_id, event.agent_id)
        text.text.add(event.text)
        if self._timer is None:
            self._timer = self.loop.call_later(GATHER_SECONDS, self._publish)

    def _finish(self, event: StepFinished) -> None:
        if event.step.key in self._texts:
            self._texts[event.step.key].text.show(whole=True)
        self._publish()
        self._forget(event.step.key)

    def _change_block(self, event: BlockChanged) -> None:
        if event.status == "running" or not self._started:
            return
        # Its time ran out while models were asked: these steps do not finish.
        for key, step in list(self._started.items()):
            if root_block(step.block_id) == event.block_id:
                self._forget(key)

    def _tell(self, event: BlockProgress) -> None:
        piece = {"block_id": event.block_id, "done": event.done}
        piece |= {"failed": event.failed, "total": event.total}
        self._progress[event.block_id] = piece
        if self._wanted:
            pubsub.publish_progress(self.pk, piece)

    def _fail(self, event: StepFailed) -> None:
        if event.final:
            self._forget(event.key)
        elif event.key in self._texts:
            # The next try starts its text over.
            failed = self._texts[event.key]
            self._texts[event.key] = _Text(failed.block_id, failed.agent_id, failed.number + 1)

    def _forget(self, key: str) -> None:
        self._started.pop(key, None)
        self._texts.pop(key, None)

    def want(self) -> None:
        """Publish from now on, beginning with the calls in progress and their whole texts."""
        self._wanted = True
        for step in self._started.values():
            pubsub.publish_started(self.pk, _piece(step))
        for call in self._tools.values():
            pubsub.publish_tool(self.pk, _tool_piece(call))
        for piece in self._progress.values():
            pubsub.publish_progress(self.pk, piece)
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


_KEEPERS: dict[type[Event], Callable[[LiveText, Any], None]] = {
    StepStarted: LiveText._start,
    TextDelta: LiveText._add_text,
    StepFinished: LiveText._finish,
    StepFailed: LiveText._fail,
    BlockChanged: LiveText._change_block,
    ToolChanged: LiveText._change_tool,
    BlockProgress: LiveText._tell,
}


def _piece(step: StepStarted) -> dict[str, Any]:
    return {
        "key": step.key,
        "block_id": step.block_id,
        "agent_id": step.agent_id,
        "purpose": step.purpose,
        "round": step.round_number,
        "try": step.number,
        "at": datetime.fromtimestamp(step.at, UTC).isoformat(),
    }


def _tool_piece(call: ToolChanged) -> dict[str, Any]:
    return {
        "key": call.key,
        "block_id": call.block_id,
        "agent_id": call.agent_id,
        "tool": call.tool,
        "status": call.status,
        "at": datetime.fromtimestamp(call.at, UTC).isoformat(),
        "arguments": call.arguments if len(str(call.arguments)) <= MAX_ARGUMENTS else None,
    }


_running: dict[uuid.UUID, LiveText] = {}
_requested: ExpiringSet[uuid.UUID] = ExpiringSet(
    seconds=REQUESTED_SECONDS, max_entries=MAX_REQUESTED
)


@contextlib.contextmanager
def live_text(
    pk: uuid.UUID, emit: Callable[[Event], None], *, is_wanted: bool = False
) -> Iterator[LiveText]:
    """The texts of a run on the running loop, until the block ends.

    Listeners request them when they subscribe, and again when a run is claimed; `is_wanted`: they
    will, so that the first call is not begun without them.
    """
    live = LiveText(pk, emit)
    hub = pubsub.running_hub()
    gets_requests = hub.is_connected and _want in hub.on_listen
    if _want not in hub.on_listen:
        hub.on_listen.append(_want)
    _running[pk] = live
    look = None
    if is_wanted or hub.is_watched_here(pk) or pk in _requested:
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
