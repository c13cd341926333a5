"""A supervised process: started so that it cannot outlive us, watched, restarted, stopped."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.env import variables_for_child
from orchestra.launcher import guard

LOG_LIMIT_BYTES = 20 * 1024 * 1024
LOGS_KEPT = 5
# A process that lived shorter than this failed to start.
FAST_DEATH_SECONDS = 10.0
MAX_PAUSE_SECONDS = 30.0

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child must not take the loader's lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start. It has `grace_seconds` to end after SIGTERM."""

    name: str
    arguments: Sequence[str]
    answers: Callable[[Child], bool]
    variables: Mapping[str, str] = field(default_factory=dict)
    keep_open: tuple[int, ...] = ()
    grace_seconds: float = 8.0
    before: Callable[[], None] = lambda: None
    needs_secrets: bool = True


class Guard:
    """The process that ends our children if we are killed. See `orchestra.launcher.guard`."""

    def __init__(self, *, paths: Sequence[Path], keep_open: tuple[int, ...]) -> None:
        self._paths = [str(path) for path in paths]
        self._keep_open = keep_open
        self._groups: set[int] = set()
        self._process = self._start()

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._write(f"+{group}\n")

    def discard(self, group: int) -> None:
        """The group has ended; its number may be reused."""
        self._groups.discard(group)
        self._write(f"-{group}\n")

    def check(self) -> None:
        """Restart it if it has ended."""
        if self._process.poll() is not None:
            self._close_pipe()
            self._process = self._start()

    def close(self) -> None:
        """Let it end, and wait; with no group left it ends at once."""
        self._close_pipe()
        self._process.wait(timeout=guard.PATIENCE_SECONDS + guard.LAST_WORD_SECONDS + 5)

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__, *self._paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=variables_for_child(with_secrets=False),
            start_new_session=True,
            pass_fds=self._keep_open,
            text=True,
            bufsize=1,
        )
        if process.stdin:
            process.stdin.writelines(f"+{group}\n" for group in sorted(self._groups))
        return process

    def _close_pipe(self) -> None:
        # Closing flushes, which fails again for a dead guard.
        with contextlib.suppress(BrokenPipeError):
            if self._process.stdin:
                self._process.stdin.close()

    def _write(self, line: str) -> None:
        # `check` restarts a dead guard with all groups.
        if self._process.stdin and not self._process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line)


class Child:
    """A running program with its log. For the main thread only."""

    def __init__(self, program: Program, *, folder: Path, logs: Path, watched_by: Guard) -> None:
        self.program = program
        self.log = logs / f"{program.name}.log"
        self.answered = False
        self.fast_deaths = 0
        self._folder = folder
        self._guard = watched_by
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._log_start = 0
        self._start_again_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_waiting(self) -> bool:
        """True between its end and its next start."""
        return self._process is None

    def start(self) -> None:
        """For the main thread only: the kernel ends a child with the *thread* that started it."""
        self.program.before()
        rotate(self.log)
        self._started_at = time.monotonic()
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                self.program.arguments,
                cwd=self._folder,
                env=variables_for_child(
                    self.program.variables, with_secrets=self.program.needs_secrets
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self.program.keep_open,
                preexec_fn=die_with(os.getpid()),
            )
        self._guard.add(self._process.pid)

    def check(self) -> bool:
        """True once it answers."""
        if not self.answered and self._process is not None:
            self.answered = self.program.answers(self)
        return self.answered

    def log_says(self, words: bytes) -> bool:
        """True if the log contains the words since this start."""
        return words in self._log_since_start()

    def last_words(self, lines: int = 5) -> str:
        """The last lines of its log since this start."""
        text = self._log_since_start(last=8192).decode(errors="replace")
        return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])

    def died(self) -> int | None:
        """Its exit code, once, after it ended by itself; schedules the next start."""
        if self._process is None or self._process.poll() is None:
            return None
        code = self._process.returncode
        self._bury()
        lived = time.monotonic() - self._started_at
        self.fast_deaths = self.fast_deaths + 1 if lived < FAST_DEATH_SECONDS else 1
        self._start_again_at = time.monotonic() + self.pause_seconds
        return code

    @property
    def pause_seconds(self) -> float:
        """The pause before the next start: doubles with each fast death."""
        return float(min(MAX_PAUSE_SECONDS, 0.25 * 2**self.fast_deaths))

    def start_if_due(self) -> None:
        if self.is_waiting and time.monotonic() >= self._start_again_at:
            self.start()

    def ask_to_end(self) -> None:
        """SIGTERM to the program, which forwards it to its own children."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def ended(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            self._bury()
        return self._process is None

    def kill(self) -> None:
        """SIGKILL to it and to its children."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._bury()

    def _bury(self) -> None:
        """Forget the process, and kill its remaining children."""
        if self._process is not None:
            group = self._process.pid
            _signal_group(group, signal.SIGKILL)
            self._guard.discard(group)
            self._process = None
        self.answered = False

    def _log_since_start(self, *, last: int = 1024 * 1024) -> bytes:
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            # A log that was rotated meanwhile is entirely from this start.
            start = self._log_start if self._log_start <= size else 0
            log.seek(max(start, size - last))
            return log.read(last)
        return b""


def rotate(log: Path, limit: int = LOG_LIMIT_BYTES) -> None:
    """Move the content to `NAME.log.1` (older ones up to `.5`), and truncate the log.

    Children open it for appending, so truncating is safe while they write.
    """
    if not log.exists() or log.stat().st_size <= limit:
        return
    for number in range(LOGS_KEPT, 1, -1):
        older = log.with_suffix(f".log.{number - 1}")
        if older.exists():
            older.replace(log.with_suffix(f".log.{number}"))
    shutil.copyfile(log, log.with_suffix(".log.1"))
    os.truncate(log, 0)


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def die_with(parent: int) -> Callable[[], None]:
    """A function for the child to call before exec: the kernel ends it when its parent dies.

    Linux only; elsewhere there is the guard alone.
    """

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                # The parent died between the fork and this call.
                os._exit(1)

    return ask
