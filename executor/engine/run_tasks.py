"""The tasks of one run: started, waited for under a deadline, and none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class RunTasks:
    """Knows what a run has under way. `broken` is told of what no task may raise."""

    __slots__ = ("_broken", "_idle", "_loop", "_tasks", "_turn", "stopped")

    def __init__(self, broken: Callable[[BaseException], None]) -> None:
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn: asyncio.Handle | None = None
        self._idle: asyncio.Future[None] | None = None
        self.stopped = False

    @property
    def is_idle(self) -> bool:
        return self.stopped or not (self._tasks or self._turn)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call once, after others on the loop had a turn; replaces a call that still waits."""
        self.forget_call()

        def call() -> None:
            self._turn = None
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - passed on: the loop would only log it
                self._broken(error)
            self._wake_if_idle()

        self._turn = self._loop.call_soon(call)

    def forget_call(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def stop(self) -> None:
        """Wait for nothing more."""
        self.stopped = True
        self._wake_if_idle()

    async def wait(self, deadline: float | None) -> bool:
        """Wait until nothing is under way; False if the deadline (the loop's time) came first."""
        self._idle = self._loop.create_future()
        try:
            async with asyncio.timeout_at(deadline):
                await self._idle
        except TimeoutError:
            return False
        finally:
            self._idle = None
        return True

    async def cancel_all(self) -> None:
        """Cancel what is under way and wait for it, however often the caller is cancelled too."""
        self._idle = None
        self.forget_call()
        for task in self._tasks:
            task.cancel()
        again: asyncio.CancelledError | None = None
        while self._tasks:
            try:
                await asyncio.wait(self._tasks)
            except asyncio.CancelledError as error:
                again = error
        if again is not None:
            raise again

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            # At the end of a run that is our doing; before it, a block was cancelled from inside.
            if self._idle is not None:
                self._broken(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._broken(error)
        self._wake_if_idle()

    def _wake_if_idle(self) -> None:
        if self.is_idle and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
