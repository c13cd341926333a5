"""Time that no machine makes short: tests neither wait for it nor race with it."""

from __future__ import annotations

import asyncio
from typing import Any


def use_virtual_time() -> None:
    """From now on the running loop's clock stands still while anything can be done, and jumps to
    the next timer as soon as nothing can.
    """
    loop: Any = asyncio.get_running_loop()
    select = loop._selector.select
    now = loop.time()

    def jump(timeout: float | None = None) -> Any:
        nonlocal now
        if timeout is None:
            return select(None)
        found = select(0)
        if not found and timeout > 0:
            now += timeout
        return found

    loop.time = lambda: now
    loop._selector.select = jump


def count_turns_as_seconds() -> None:
    """From now on the running loop's clock shows how many turns it had, for limits that end work
    which other threads do meanwhile.
    """
    loop: Any = asyncio.get_running_loop()
    select = loop._selector.select
    turns = 0

    def turn(timeout: float | None = None) -> Any:
        nonlocal turns
        turns += 1
        return select(timeout)

    loop.time = lambda: float(turns)
    loop._selector.select = turn


def move_clock(loop: Any, seconds: float) -> None:
    """The loop's clock is so much later from now on; for servers of other threads, which say when.

    Only for a loop that ends with its test.
    """
    shown = loop.time
    loop.time = lambda: shown() + seconds
