"""Follows an execution for a listener: what its rows say, and model text as it comes."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

from executor import wakeups
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


@dataclass(frozen=True, slots=True)
class Told:
    """One event. `position` is what a listener sends to go on after it; None for passing text."""

    name: str
    data: dict[str, Any]
    position: str | None = None


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


async def follow(
    pk: uuid.UUID, heard: wakeups.Watch, position: Position
) -> AsyncIterator[Told | None]:
    """Everything after the position, until the execution has ended. None: still nothing new.

    `heard` watches with texts, since before this is called. Nothing is lost: rows say again what a
    lost connection or a lost wake-up did not, and text in progress is told whole to who is new.
    """
    texts = Texts(pk)
    wakeups.tell_listening(pk)
    while True:
        found = await in_thread(_read, pk, position)
        # Text is told before the row that it ends in, also if both waited here together.
        pieces, has_changed = _drained(heard, texts)
        for told in (*found.begun(position), *pieces, *found.news(position)):
            texts.forget(told)
            yield told
        if found.status in TERMINAL or wakeups.is_leaving():
            # Who listens comes back, and finds another process.
            return
        while not has_changed:
            message = await heard.next(ALIVE_SECONDS)
            if message is None:
                # What was asked for may be lost, as any wake-up.
                wakeups.tell_listening(pk)
                yield None
                break
            if (piece := texts.add(message)) is not None:
                yield piece
            has_changed = message["kind"] != "text"
            _ask_again(pk, message)
        await asyncio.sleep(GATHER_SECONDS)


def _ask_again(pk: uuid.UUID, message: dict[str, Any]) -> None:
    """Another process plays it from now on, which did not hear that its text is wanted."""
    if message["kind"] == Status.RUNNING:
        wakeups.tell_listening(pk)


def _drained(heard: wakeups.Watch, texts: Texts) -> tuple[list[Told], bool]:
    """The text that waits, and whether a change of rows does."""
    pieces: list[Told] = []
    has_changed = False
    while not heard.queue.empty():
        message = heard.queue.get_nowait()
        has_changed = has_changed or message["kind"] != "text"
        _ask_again(texts.pk, message)
        if (piece := texts.add(message)) is not None:
            pieces.append(piece)
    return pieces, has_changed


class Texts:
    """How much of each text in progress a listener has: pieces overlap, or are lost."""

    def __init__(self, pk: uuid.UUID) -> None:
        self.pk = pk
        self._known: dict[str, tuple[int, int]] = {}
        self._over: set[str] = set()

    def add(self, piece: dict[str, Any]) -> Told | None:
        """What of the message is new text. `at` 0 begins it anew: a snapshot, or another try."""
        if piece["kind"] != "text":
            return None
        key, number, at, text = piece["key"], piece["try"], piece["at"], piece["text"]
        begun, length = self._known.get(key, (0, 0))
        if key in self._over or number < begun:
            return None
        if number > begun:
            length = 0
        if at > length:
            # A piece was lost: whoever plays the run tells the text whole.
            wakeups.tell_listening(self.pk)
            return None
        new = text[length - at :]
        if not new:
            return None
        self._known[key] = (number, length + len(new))
        return Told(
            "delta",
            {
                "step": key,
                "block_id": piece["block_id"],
                "agent_id": piece["agent_id"],
                "at": length,
                "text": new,
            },
        )

    def forget(self, told: Told) -> None:
        """A finished step's text is in its row."""
        if told.name == "step":
            self._over.add(told.data["key"])
            self._known.pop(told.data["key"], None)


@dataclass(frozen=True, slots=True)
class _Found:
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


def _read(pk: uuid.UUID, position: Position) -> _Found:
    # The execution first: once it has ended, what is read after it is all there is.
    execution = Execution.objects.defer("document", "input_data", "result_data").get(pk=pk)
    blocks = list(execution.blocks.order_by("pk").values_list("pk", "status"))
    letters = dict(enumerate(position.blocks))
    wanted = [
        block_id
        for number, (block_id, status) in enumerate(blocks)
        if letters.get(number) != _LETTERS[status]
    ]
    return _Found(
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
