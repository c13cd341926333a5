"""The tasks of one run: started, waited for under a deadline, and none left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class RunTasks:
    """The tasks of a run. `on_error` is called with every error that escapes a task."""

    __slots__ = ("_idle", "_loop", "_on_error", "_tasks", "_turn", "stopped")

    def __init__(self, on_error: Callable[[BaseException], None]) -> None:
        self._on_error = on_error
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
        """Call once, after other callbacks of the loop; replaces a call that is pending."""
        self.cancel_call()

        def call() -> None:
            self._turn = None
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - passed on: the loop would only log it
                self._on_error(error)
            self._wake_if_idle()

        self._turn = self._loop.call_soon(call)

    def cancel_call(self) -> None:
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def stop(self) -> None:
        """End `wait`, whatever is still running."""
        self.stopped = True
        self._wake_if_idle()

    async def wait(self, deadline: float | None) -> bool:
        """Wait until no task is left; False if the deadline (the loop's time) came first."""
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
        """Cancel all tasks and wait for them, even if the caller is cancelled meanwhile."""
        self._idle = None
        self.cancel_call()
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
            # `cancel_all` has cleared `_idle`; before that, a block cancelled itself.
            if self._idle is not None:
                self._on_error(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self._on_error(error)
        self._wake_if_idle()

    def _wake_if_idle(self) -> None:
        if self.is_idle and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
