"""Follows an execution for a listener: what its rows say, and model text as it comes."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from executor import wakeups
from executor.broadcasts import Broadcast
from executor.models import BlockResult, BlockStatus, Execution, Step
from executor.states import TERMINAL, Status
from executor.threads import in_thread

# A listener that hears nothing is told so, and rows are read: a wake-up may be lost.
ALIVE_SECONDS = 10.0
# Changes that come within this time are read together.
GATHER_SECONDS = 0.02

UNTOLD = "-"
_LETTERS = {status.value: status.value[0] for status in BlockStatus}
_POSITION = re.compile(r"([a-z]*)\.(\d{1,18})\.([a-z-]*)")


@dataclass(frozen=True)
class Told:
    """One event. `position` is what a listener sends to go on after it; None for passing text."""

    name: str
    data: dict[str, Any]
    position: str | None = None
    # Made once for all listeners, by who may read what.
    encoded: dict[bool, bytes] = field(default_factory=dict, compare=False, repr=False)


@dataclass(slots=True)
class Position:
    """What a listener was told: the status by its letter, the last step, each block's letter."""

    letter: str = ""
    step: int = 0
    blocks: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.letter}.{self.step}.{''.join(self.blocks)}"


def read_position(text: str) -> Position:
    """From a listener's Last-Event-ID; from the beginning for one that nobody gave out."""
    found = _POSITION.fullmatch(text)
    if found is None:
        return Position()
    return Position(found.group(1), int(found.group(2)), list(found.group(3)))


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
        async with wakeups.watch(self.pk, texts=True) as heard:
            wakeups.tell_listening(self.pk)
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
            pk for n, (pk, status) in enumerate(found.blocks) if letters.get(n) != _LETTERS[status]
        ]
        lacking = Found(
            execution=found.execution,
            blocks=found.blocks,
            changed={pk: self._rows[pk] for pk in blocks},
            steps=[step for step in self._steps if step.pk > position.step],
        )
        return [*lacking.begun(position), *lacking.news(position), *self._texts.snapshots()]

    async def _is_over(self, heard: wakeups.Watch) -> bool:
        found = await in_thread(_read, self.pk, self._position)
        if found is None:
            # Not written yet, for who listens before a run begins; or removed since.
            self.begin()
            self._has_changed = False
            return self._found is not None or wakeups.is_leaving()
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
        return self.has_ended or wakeups.is_leaving()

    async def _until_changed(self, heard: wakeups.Watch) -> None:
        while not self._has_changed:
            message = await heard.next(ALIVE_SECONDS)
            if message is None:
                # What was asked for may be lost, as any wake-up.
                wakeups.tell_listening(self.pk)
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
            wakeups.tell_listening(self.pk)
        self._has_changed = self._has_changed or message["kind"] != "text"
        return self._texts.add(message)

    def _drained(self, heard: wakeups.Watch) -> list[Told]:
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
            wakeups.tell_listening(self.pk)
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


@dataclass(frozen=True, slots=True)
class Found:
    """One reading of the rows. `blocks`: all in order, as (id, status); `changed` by id."""

    execution: Execution
    blocks: list[tuple[int, str]]
    changed: dict[int, BlockResult]
    steps: list[Step]

    @property
    def status(self) -> str:
        return self.execution.status

    def begun(self, position: Position) -> list[Told]:
        """The status, unless it is an end: that comes last to who was told of the run before."""
        is_end = self.status in TERMINAL and position.letter
        return [] if is_end else list(self._changed_status(position))

    def news(self, position: Position) -> Iterator[Told]:
        """What the position lacks, in the order in which it happened; moves the position on."""
        yield from self._blocks(position, ended=False)
        for step in self.steps:
            position.step = step.pk
            yield Told("step", _step(step), str(position))
        yield from self._blocks(position, ended=True)
        yield from self._changed_status(position)

    def _changed_status(self, position: Position) -> Iterator[Told]:
        if position.letter != self.status[:1]:
            position.letter = self.status[:1]
            yield Told("execution", _execution(self.execution), str(position))

    def _blocks(self, position: Position, *, ended: bool) -> Iterator[Told]:
        for number, (pk, status) in enumerate(self.blocks):
            if pk not in self.changed or (status not in ("pending", "running")) != ended:
                continue
            padding = number + 1 - len(position.blocks)
            position.blocks += [UNTOLD] * padding
            position.blocks[number] = _LETTERS[status]
            yield Told("block", _block(self.changed[pk]), str(position))


def _read(pk: uuid.UUID, position: Position) -> Found | None:
    # The execution first: once it has ended, what is read after it is all there is.
    rows = Execution.objects.defer("document", "input_data", "result_data")
    execution = rows.filter(pk=pk).first()
    if execution is None:
        return None
    blocks = list(execution.blocks.order_by("pk").values_list("pk", "status"))
    letters = dict(enumerate(position.blocks))
    wanted = [
        block_id
        for number, (block_id, status) in enumerate(blocks)
        if letters.get(number) != _LETTERS[status]
    ]
    return Found(
        execution=execution,
        blocks=blocks,
        changed=execution.blocks.in_bulk(wanted) if wanted else {},
        steps=list(execution.steps.filter(pk__gt=position.step).defer("prompt").order_by("pk")),
    )


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "execution_id": execution.public_id,
        "log_id": execution.pk,
        "status": execution.status,
        "attempt": execution.attempt,
    }


def _block(row: BlockResult) -> dict[str, Any]:
    return {
        "block_id": row.block_id,
        "status": row.status,
        "output": row.output,
        "error": row.error,
        "started_at": row.started_at,
        "completed_at": row.completed_at,
    }


def _step(row: Step) -> dict[str, Any]:
    return {
        "key": row.key,
        "block_id": row.block_id,
        "agent_id": row.agent_id or None,
        "round_number": row.round_number,
        "purpose": row.purpose,
        "model": row.model or None,
        "status": row.status,
        "text": row.text,
        "output": row.output,
        "finish_reason": row.finish_reason,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "is_estimated": row.is_estimated,
        "cost_usd": row.cost_usd,
        "tries": row.tries,
        "failures": row.failures,
        "duration_ms": row.duration_ms,
    }
