"""Runs with limited memory: each in a child process, forked by this process's nursery."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import signal
import sys
from typing import Any, cast

from django.conf import settings

from designs.runtime.loops import PerLoop, stop_task
from executor.models import Execution

logger = logging.getLogger(__name__)

KILL_SECONDS = 5.0
# Exit codes of children. Libraries that get no memory abort or crash.
ENDED, BROKEN, OUT_OF_MEMORY = 0, 1, 77
OUT_OF_MEMORY_CODES = frozenset(
    {OUT_OF_MEMORY, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGTRAP}
)


class NurseryLost(Exception):
    """The process that forked the children has ended, and they with it."""


class Nursery:
    """The worker's side of `nursery`, for one event loop. The process starts at its first use."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ends: dict[str, asyncio.Future[int]] = {}
        self._numbers = itertools.count(1)

    async def run(self, execution: Execution, *, memory_mb: int) -> int:
        """Carry the claimed execution in a child; returns its exit code, or minus its signal.

        When cancelled, the child is killed and has ended before this returns. Raises NurseryLost.
        """
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "manage.py", "run_nursery"),
                    cwd=settings.BASE_DIR,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                self._reader = asyncio.create_task(self._read(self._process), name="nursery")
            process = self._process
        name = str(next(self._numbers))
        ended = self._ends[name] = asyncio.get_running_loop().create_future()
        self._say(
            process,
            {
                "do": "run",
                "name": name,
                "execution": execution.pk.hex,
                "attempt": execution.attempt,
                "memory_mb": memory_mb,
            },
        )
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._say(process, {"do": "kill", "name": name})
            await asyncio.wait([ended], timeout=KILL_SECONDS)
            raise
        finally:
            self._ends.pop(name, None)
            if not ended.cancel():
                # Retrieved, so that asyncio does not report it as never retrieved.
                ended.exception()

    async def close(self) -> None:
        """End the process, and its children with it."""
        await stop_task(self._reader)
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(KILL_SECONDS / 5):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _say(self, process: asyncio.subprocess.Process, command: dict[str, Any]) -> None:
        if process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(json.dumps(command).encode() + b"\n")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Pass each exit code on; when the nursery ends, all its children have ended."""
        async for line in cast(asyncio.StreamReader, process.stdout):
            end = json.loads(line)
            self._settle(end["name"], end["code"])
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        logger.warning("The process that runs executions with limited memory has ended.")
        for name in list(self._ends):
            self._settle(name, None)

    def _settle(self, name: str, code: int | None) -> None:
        waiting = self._ends.get(name)
        if waiting is None or waiting.done():
            return
        if code is None:
            waiting.set_exception(NurseryLost("The process that carried this run has ended."))
        else:
            waiting.set_result(code)


_nurseries = PerLoop(Nursery, Nursery.close)


def running_nursery() -> Nursery:
    return _nurseries.get()
