"""Where a graph is played inside a run: in which block of it, and how keys of its steps begin."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from designs.graph.nesting import Body
from executor.engine.compile import CompiledBlock
from executor.engine.events import ErrorInfo, Event


class Plays(Protocol):
    """Plays graphs inside one block."""

    async def play(self, value: Any, number: int | None, where: str) -> Any: ...

    async def play_tool(self, body: Body, value: Any, key: str) -> Any: ...
    def tell(self, done: int, failed: int, total: int) -> None: ...

    def degrade(self) -> None:
        """Once all are done: tell the run why some of them are degraded."""
        ...


class PlayingBlock(Protocol):
    """The block's run, as a graph sees it that is played inside."""

    @property
    def deadline(self) -> float | None:
        """In the loop's time."""
        ...

    def standing_still(self) -> AbstractContextManager[None]:
        """Within it the time of the block, and of those around it, does not pass."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """`flow` is the one of the block `block`, which is a part of the run or the whole of it."""

    flow: Any
    block: CompiledBlock
    run: PlayingBlock
    prefix: str


# Makes what plays graphs inside a block of a flow.
MakePlays = Callable[[Any, CompiledBlock, PlayingBlock], Plays]


def tell_nobody(event: Event) -> None:
    """Only the blocks of the run itself have states; steps are told of wherever they are."""


def at_block(error: ErrorInfo, block: CompiledBlock) -> ErrorInfo:
    """An error inside the block as one of the block."""
    return ErrorInfo(
        error.kind, error.message, block.id, error.step_key, error.model, error.block_type,
        error.tries,
    )  # fmt: skip
