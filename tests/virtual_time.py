"""Time that passes only while nothing else is to be done, so that no test waits or races for it."""

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
