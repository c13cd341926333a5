"""Follows an execution for a listener: what its rows say, and model text as it comes."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

from executor.following import pubsub
from executor.following.broadcasts import Broadcast
from executor.following.stream_rows import LETTERS, Found, Position, Told, read_run
from executor.models import TERMINAL, BlockResult, Status, Step

# A listener that hears nothing is told so, and rows are read: a wake-up may be lost.
ALIVE_SECONDS = 10.0
# Changes that come within this time are read together.
GATHER_SECONDS = 0.02


class Events(Broadcast[Told]):
    """What happens to a run: its rows as they change, and model text as it comes.

    Rows are re-read, so that a lost wake-up loses nothing; who comes later gets text in progress as
    a snapshot.
    """

    def __init__(self, pk: uuid.UUID) -> None:
        super().__init__(pk)
        self._texts = Texts(pk)
        self._position = Position()
        self._found: Found | None = None
        self._rows: dict[int, BlockResult] = {}
        self._steps: list[Step] = []
        self._early: list[Told] = []
        self._has_changed = False
        self.has_ended = False
        self.done: Told | None = None

    async def produce(self) -> None:
        async with pubsub.subscribe(self.pk, texts=True) as heard:
            pubsub.request_texts(self.pk)
            while not await self._is_over(heard):
                await self._until_changed(heard)
                await asyncio.sleep(GATHER_SECONDS)

    @property
    def position(self) -> str:
        """Where those are who were told everything."""
        return str(self._position)

    def since(self, position: Position) -> list[Told]:
        """What a listener who was told so much lacks at this moment."""
        found = self._found
        if found is None:
            return []
        letters = dict(enumerate(position.blocks))
        blocks = [
            pk for n, (pk, status) in enumerate(found.blocks) if letters.get(n) != LETTERS[status]
        ]
        lacking = Found(
            execution=found.execution,
            blocks=found.blocks,
            changed={pk: self._rows[pk] for pk in blocks},
            steps=[step for step in self._steps if step.pk > position.step],
        )
        return [*lacking.begun(position), *lacking.news(position), *self._texts.snapshots()]

    async def _is_over(self, heard: pubsub.Subscription) -> bool:
        found = await read_run(self.pk, self._position)
        if found is None:
            # Not written yet, for who listens before a run begins; or removed since.
            self.begin()
            self._has_changed = False
            return self._found is not None or pubsub.is_shutting_down()
        self._found = found
        self._rows.update(found.changed)
        self._steps += found.steps
        # Text is told before the row that it ends in, also if both waited here together.
        pieces, self._early = self._early + self._drained(heard), []
        for told in (*found.begun(self._position), *pieces, *found.news(self._position)):
            self._texts.forget(told)
            self.tell(told)
        self.has_ended = found.status in TERMINAL
        self.begin()
        # Who listens comes back, and finds another process.
        return self.has_ended or pubsub.is_shutting_down()

    async def _until_changed(self, heard: pubsub.Subscription) -> None:
        while not self._has_changed:
            message = await heard.next(ALIVE_SECONDS)
            if message is None:
                # What was asked for may be lost, as any wake-up.
                pubsub.request_texts(self.pk)
                return
            if (piece := self._take(message)) is not None:
                if self._found is None:
                    # Its row comes first.
                    self._early.append(piece)
                    return
                self.tell(piece)

    def _take(self, message: dict[str, Any]) -> Told | None:
        if message["kind"] == Status.RUNNING:
            # Another process plays it from now on, which did not hear that its text is wanted.
            pubsub.request_texts(self.pk)
        self._has_changed = self._has_changed or message["kind"] != "text"
        return self._texts.add(message)

    def _drained(self, heard: pubsub.Subscription) -> list[Told]:
        self._has_changed = False
        pieces: list[Told] = []
        while not heard.queue.empty():
            if (piece := self._take(heard.queue.get_nowait())) is not None:
                pieces.append(piece)
        return pieces


@dataclass(slots=True)
class _Text:
    """A text in progress: of which try, where it belongs, and what came of it."""

    number: int
    names: dict[str, Any]
    parts: list[str] = field(default_factory=list)
    length: int = 0


class Texts:
    """The texts in progress of a run: pieces overlap, or are lost."""

    def __init__(self, pk: uuid.UUID) -> None:
        self.pk = pk
        self._known: dict[str, _Text] = {}
        self._over: set[str] = set()

    def add(self, piece: dict[str, Any]) -> Told | None:
        """What of the message is new text. `at` 0 begins it anew: a snapshot, or another try."""
        if piece["kind"] != "text":
            return None
        key, number, at, text = piece["key"], piece["try"], piece["at"], piece["text"]
        names = {"step": key, "block_id": piece["block_id"], "agent_id": piece["agent_id"]}
        known = self._known.get(key) or _Text(0, names)
        if key in self._over or number < known.number:
            return None
        if number > known.number:
            known = _Text(number, names)
        if at > known.length:
            # A piece was lost: whoever plays the run tells the text whole.
            pubsub.request_texts(self.pk)
            return None
        new = text[known.length - at :]
        if not new:
            return None
        told = Told("delta", {**names, "at": known.length, "text": new})
        known.parts.append(new)
        known.length += len(new)
        self._known[key] = known
        return told

    def snapshots(self) -> list[Told]:
        """Each text in progress, whole."""
        return [
            Told("delta", {**known.names, "at": 0, "text": "".join(known.parts)})
            for known in self._known.values()
        ]

    def forget(self, told: Told) -> None:
        """A finished step's text is in its row."""
        if told.name == "step":
            self._over.add(told.data["key"])
            self._known.pop(told.data["key"], None)
