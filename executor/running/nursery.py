"""A process of a worker that forks a child for each run with limited memory.

It has loaded all modules that a run needs and has one thread, so that a child costs milliseconds; a
child that is out of memory affects nothing else. Commands come as lines of JSON on standard input,
exit codes go to standard output; at the end of the input all children are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import importlib
import json
import logging
import os
import resource
import select
import signal
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from django.db import connections
from django.db.models.functions import Now

from designs.runtime.computing import start_all, start_threads
from executor.models import Execution, Status
from executor.recording.recorder import RunRecord
from executor.recording.writer import process_writer
from executor.running.attempt import is_out_of_memory, perform_attempt
from executor.running.isolation import BROKEN, ENDED, OUT_OF_MEMORY

logger = logging.getLogger(__name__)

# Address space for the threads and connections of a child, besides the limit of the run.
OWN_BYTES = 96 * 1024 * 1024
STACK_BYTES = 512 * 1024
# For the database and for long answers.
WAITING_THREADS = 4
# Imported once before the first child.
AHEAD = (
    "designs.outgoing.guarded_connector",
    "executor.engine.llm.exchanges",
    "executor.engine.llm.lean_client",
    "genai_prices.data_snapshot",
)
_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def serve() -> None:
    """Runs until the end of standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The parent process decides when a run ends.
        signal.signal(number, signal.SIG_IGN)
    if _libc is not None:
        # Each further arena of the allocator would waste address space.
        _libc.mallopt(_M_ARENA_MAX, 1)
    for name in AHEAD:
        importlib.import_module(name)
    connections.close_all()
    Nursery().serve()


class Nursery:
    """The children by process id, each with the name that its commands use."""

    def __init__(self) -> None:
        self._children: dict[int, str] = {}
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Execute commands and report exit codes; kill the remaining children at the end."""
        rest = b""
        while True:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                self._report_ends()
            if 0 in ready:
                data = os.read(0, 65_536)
                if not data:
                    break
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._obey(json.loads(line))
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _obey(self, command: dict[str, Any]) -> None:
        if command["do"] == "kill":
            for pid, name in self._children.items():
                if name == command["name"]:
                    os.kill(pid, signal.SIGKILL)
            return
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _be_child(parent, command)
        self._children[pid] = command["name"]

    def _report_ends(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                name, code = self._children.pop(pid), os.waitstatus_to_exitcode(status)
                os.write(1, json.dumps({"name": name, "code": code}).encode() + b"\n")


def _be_child(parent: int, command: dict[str, Any]) -> NoReturn:
    """Carry one attempt at one execution, then exit without any cleanup."""
    code = BROKEN
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(BROKEN)
        # The parent would read output of the run as the nursery's.
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(2, 1)
        threading.stack_size(STACK_BYTES)
        asyncio.run(_carry(command))
        code = ENDED
    except BaseException as error:
        if is_out_of_memory(error):
            code = OUT_OF_MEMORY
        else:
            logger.exception("A run in a child process failed.")
    finally:
        os._exit(code)


async def _carry(command: dict[str, Any]) -> None:
    # A run that has used up its memory could start no thread to write its end.
    start_threads()
    pool = ThreadPoolExecutor(WAITING_THREADS, "waiting")
    start_all(pool, WAITING_THREADS)
    asyncio.get_running_loop().set_default_executor(pool)
    _limit_growth(command["memory_mb"] * 1024 * 1024)
    rows = Execution.objects.annotate(database_time=Now()).select_related("resumed_from")
    rows = rows.filter(status=Status.RUNNING, attempt=command["attempt"])
    execution = await rows.aget(pk=uuid.UUID(command["execution"]))
    await perform_attempt(execution, RunRecord(execution, process_writer()))


def _limit_growth(maximum: int) -> None:
    """Limit the growth of this process's address space from now on."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + OWN_BYTES + maximum,) * 2)
