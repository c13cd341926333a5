"""Follows an execution for its listeners: changes of its rows, and model text as it comes."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from designs.graph.nesting import root_block
from executor.following import pubsub
from executor.following.broadcasts import Broadcast
from executor.following.stream_rows import (
    RunSnapshot,
    StreamEvent,
    StreamPosition,
    changed_blocks,
    read_run,
)
from executor.models import TERMINAL, BlockResult, BlockStatus, Status, Step

# After this long without a message listeners get a sign of life, and rows are read, since messages
# may be lost.
ALIVE_SECONDS = 10.0
# Changes within this time are read together.
GATHER_SECONDS = 0.02
PROGRESS_FIELDS = ("block_id", "done", "failed", "total")
# Of the event for a model call that began, besides its step.
STARTED_FIELDS = ("block_id", "agent_id", "purpose", "round", "try", "at")
TOOL_FIELDS = ("block_id", "agent_id", "tool", "status", "at", "arguments")


class Events(Broadcast[StreamEvent]):
    """The events of a run: changes of its rows, and model text as it comes.

    Rows are re-read, so that a lost message loses nothing. New listeners get text in progress as a
    snapshot.
    """

    def __init__(self, pk: uuid.UUID) -> None:
        super().__init__(pk)
        self._texts = Texts(pk)
        self._position = StreamPosition()
        self._snapshot: RunSnapshot | None = None
        self._rows: dict[int, BlockResult] = {}
        self._steps: list[Step] = []
        # Messages of calls and texts that wait until the rows before them are read.
        self._held: list[dict[str, Any]] = []
        self._has_changed = False
        self.has_ended = False
        self.done: StreamEvent | None = None

    async def produce(self) -> None:
        async with pubsub.subscribe(self.pk, texts=True) as subscription:
            pubsub.request_texts(self.pk)
            while not await self._publish_changes(subscription):
                while not self._has_changed:
                    message = await subscription.next(ALIVE_SECONDS)
                    if message is None:
                        # The request for texts may have been lost, like any message.
                        pubsub.request_texts(self.pk)
                        break
                    if message["kind"] in pubsub.PASSING and self._snapshot is None:
                        # The run's row comes first.
                        self._held.append(message)
                        break
                    if (event := self._take(message)) is not None:
                        self.publish(event)
                await asyncio.sleep(GATHER_SECONDS)

    @property
    def position(self) -> str:
        """The position after everything that was published."""
        return str(self._position)

    def since(self, position: StreamPosition) -> list[StreamEvent]:
        snapshot = self._snapshot
        if snapshot is None:
            return []
        changed = changed_blocks(snapshot.blocks, position.blocks)
        missing = RunSnapshot(
            execution=snapshot.execution,
            blocks=snapshot.blocks,
            changed={pk: self._rows[pk] for pk in changed},
            steps=[step for step in self._steps if step.pk > position.step],
            requests=snapshot.requests,
        )
        events = [*missing.opening_events(position), *missing.events(position)]
        return [*events, *self._texts.snapshots()]

    async def _publish_changes(self, subscription: pubsub.Subscription) -> bool:
        """Read the rows and publish what is new; True if nothing more follows here."""
        snapshot = await read_run(self.pk, self._position)
        if snapshot is None:
            # Not written yet, if the listener came before the run began; or removed since.
            self.mark_ready()
            self._has_changed = False
            return self._snapshot is not None or pubsub.is_shutting_down()
        self._snapshot = snapshot
        self._rows.update(snapshot.changed)
        self._steps += snapshot.steps
        self._has_changed = False
        early, late = self._take_waiting(snapshot, subscription)
        opening = snapshot.opening_events(self._position)
        for event in (*opening, *early, *snapshot.events(self._position), *late):
            self._texts.forget(event)
            self.publish(event)
        self.has_ended = snapshot.status in TERMINAL
        self.mark_ready()
        # At shut-down listeners reconnect to another process.
        return self.has_ended or pubsub.is_shutting_down()

    def _take_waiting(
        self, snapshot: RunSnapshot, subscription: pubsub.Subscription
    ) -> tuple[list[StreamEvent], list[StreamEvent]]:
        """Calls and texts that go before the rows that were read, since they end in one of them,
        and those that go after them.
        """
        messages, self._held = self._held, []
        while not subscription.queue.empty():
            messages.append(subscription.queue.get_nowait())
        early: list[StreamEvent] = []
        late: list[StreamEvent] = []
        for message in messages:
            is_late = message["kind"] in pubsub.PASSING and snapshot.continues(message)
            if is_late and self._has_changed:
                # The change before it may have come after the rows were read.
                self._held.append(message)
            elif (event := self._take(message)) is not None:
                (late if is_late else early).append(event)
        return early, late

    def _take(self, message: dict[str, Any]) -> StreamEvent | None:
        if message["kind"] == Status.RUNNING:
            # Another process runs it from now on, which did not get the request for texts.
            pubsub.request_texts(self.pk)
        self._has_changed = self._has_changed or message["kind"] not in pubsub.PASSING
        return self._texts.add(message)


@dataclass(slots=True)
class _Text:
    """A text in progress: the number of its try, where it belongs, and its parts so far."""

    number: int
    names: dict[str, Any]
    parts: list[str] = field(default_factory=list)
    length: int = 0


class Texts:
    """The calls in progress of a run and their texts, put together from pieces that overlap or are
    lost.
    """

    def __init__(self, pk: uuid.UUID) -> None:
        self.pk = pk
        self._texts: dict[str, _Text] = {}
        self._started: dict[str, StreamEvent] = {}
        self._tools: dict[str, StreamEvent] = {}
        self._progress: dict[str, StreamEvent] = {}
        self._finished: set[str] = set()

    def add(self, piece: dict[str, Any]) -> StreamEvent | None:
        """The event for what is new in the message: a call, or a part of its text. A text with `at`
        0 starts over: a snapshot, or another try.
        """
        adders = {
            "started": self._add_started, "tool": self._add_tool, "map": self._add_progress,
            "text": self._add_text,
        }  # fmt: skip
        add = adders.get(piece["kind"])
        return None if add is None else add(piece)

    def _add_text(self, piece: dict[str, Any]) -> StreamEvent | None:
        key, number, at, content = piece["key"], piece["try"], piece["at"], piece["text"]
        names = {"step": key, "block_id": piece["block_id"], "agent_id": piece["agent_id"]}
        text = self._texts.get(key) or _Text(0, names)
        if key in self._finished or number < text.number:
            return None
        if number > text.number:
            text = _Text(number, names)
        if at > text.length:
            # A piece was lost: ask for the whole text.
            pubsub.request_texts(self.pk)
            return None
        new = content[text.length - at :]
        if not new:
            return None
        event = StreamEvent("delta", {**names, "at": text.length, "text": new})
        text.parts.append(new)
        text.length += len(new)
        self._texts[key] = text
        return event

    def _add_started(self, piece: dict[str, Any]) -> StreamEvent | None:
        key = piece["key"]
        known = self._started.get(key)
        if key in self._finished or (known is not None and known.data["at"] >= piece["at"]):
            return None
        data = {name: piece[name] for name in STARTED_FIELDS}
        event = self._started[key] = StreamEvent("started", {"step": key, **data})
        return event

    def _add_tool(self, piece: dict[str, Any]) -> StreamEvent | None:
        key = piece["key"]
        known = self._tools.get(key)
        if key in self._finished or (known is not None and known.data["at"] >= piece["at"]):
            return None
        data = {name: piece[name] for name in TOOL_FIELDS}
        unknown = {"is_error": None, "duration_ms": None}
        event = self._tools[key] = StreamEvent("tool", {"step": key, **data, **unknown})
        return event

    def _add_progress(self, piece: dict[str, Any]) -> StreamEvent | None:
        data = {name: piece[name] for name in PROGRESS_FIELDS}
        known = self._progress.get(data["block_id"])
        if known is not None and known.data == data:
            return None
        event = self._progress[data["block_id"]] = StreamEvent("map", data)
        return event

    def snapshots(self) -> list[StreamEvent]:
        texts = (
            StreamEvent("delta", {**text.names, "at": 0, "text": "".join(text.parts)})
            for text in self._texts.values()
        )
        passing = (self._progress, self._started, self._tools)
        return [*(event for events in passing for event in events.values()), *texts]

    def forget(self, event: StreamEvent) -> None:
        """Drop the text of a finished step, which its row has, and the calls of an ended block."""
        if event.name == "step":
            self._finished.add(event.data["key"])
            self._texts.pop(event.data["key"], None)
            self._started.pop(event.data["key"], None)
            self._tools.pop(event.data["key"], None)
        elif event.name == "block" and event.data["status"] != BlockStatus.RUNNING:
            block_id = event.data["block_id"]
            for key, step in list(self._started.items()):
                if root_block(step.data["block_id"]) == block_id:
                    del self._started[key]
