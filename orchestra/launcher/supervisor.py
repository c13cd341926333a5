"""Starts the whole installation, watches it, and stops it."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orchestra.env import Environment
from orchestra.launcher import installation, programs
from orchestra.launcher.installation import CannotStart
from orchestra.launcher.preparation import Preparation
from orchestra.launcher.processes import Child, Guard, Program, rotate
from orchestra.launcher.welcome import sign_in, welcome

# On a cold machine the local model and all modules come from disk.
START_SECONDS = 120.0
# Deaths right after the start, in a row.
FAST_DEATHS_ALLOWED = 5
FAST_DEATHS_ALLOWED_AT_START = 3
HOUSEKEEPING_SECONDS = 30.0


class StopAsked(Exception):
    """Ctrl-C or SIGTERM during the start."""


@dataclass
class Signals:
    """Counts SIGINT, SIGTERM and SIGHUP, and sleeps until one arrives."""

    asked_to_stop: int = 0
    _pipe: tuple[int, int] = field(default_factory=os.pipe)

    @contextmanager
    def caught(self) -> Iterator[None]:
        for end in self._pipe:
            os.set_blocking(end, False)
        before = {number: signal.signal(number, self._note) for number in _STOPPING}
        # A dead child ends the sleep too, so that it is restarted at once.
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda number, frame: None)
        wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def sleep(self, seconds: float, *files: int) -> bool:
        """Until a signal arrives or one of the files can be read; True for a file."""
        ready = select.select([self._pipe[0], *files], [], [], seconds)[0]
        if self._pipe[0] in ready:
            os.read(self._pipe[0], 4096)
        return any(file in ready for file in files)

    def _note(self, number: int, frame: object) -> None:
        self.asked_to_stop += 1


_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """One run of an installation."""

    def __init__(
        self, environment: Environment, *, folder: Path, say: Callable[[str], None]
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._say = say
        self._signals = Signals()
        self._children: list[Child] = []
        self._started = False
        self._housekeeping_at = time.monotonic() + HOUSEKEEPING_SECONDS

    def run(self) -> int:
        """Returns the exit code. Raises CannotStart, with nothing left running."""
        data = self._environment.data
        installation.prepare_folder(data)
        with self._signals.caught(), ExitStack() as held:
            lock = held.enter_context(installation.locked(data))
            listener = held.enter_context(
                installation.listen(self._environment.host, self._environment.port)
            )
            socket_path = self._environment.valkey_socket
            leftovers: list[Path] = []
            if self._environment.embedded_broker:
                leftovers = installation.socket_leftovers(socket_path, data)
                held.callback(installation.remove_socket, socket_path, data)
            self._guard = Guard(paths=leftovers, keep_open=(lock,))
            held.callback(self._guard.close)
            held.callback(self._stop_all)
            try:
                self._start_all(listener)
                while not self._signals.asked_to_stop:
                    self._signals.sleep(1.0)
                    self._look_after_children()
                    for child in self._children:
                        child.check()
            except StopAsked:
                pass
        return 0

    # --- Start ------------------------------------------------------------------------------------

    def _start_all(self, listener: socket.socket) -> None:
        environment = self._environment
        extra: dict[str, str] = {}
        if environment.embedded_broker:
            self._start(programs.broker(environment))
        if environment.local_model:
            program, extra = programs.local_model(environment)
            self._say("Starting the local model")
            self._start(program)
        if environment.embedded_broker:
            valkey = [child for child in self._children if child.program.name == "valkey"]
            self._wait(valkey, START_SECONDS)
        # Not before: it makes the first password, which a start that fails would never print.
        preparing = Preparation(
            environment, folder=self._folder, watched_by=self._guard, wait_for=self._wait_for
        )
        with closing(preparing):
            preparing.wait_for_database(self._say)
            self._say("Starting the web server, workers and scheduler")
            self._start(
                programs.web(environment, listener, extra),
                *programs.workers(environment, extra),
                *programs.schedulers(environment, extra),
            )
            first = preparing.first_start()
        try:
            self._wait(self._children, START_SECONDS)
        except (StopAsked, CannotStart):
            # A password that was made is printed now or never.
            for line in sign_in(environment, first):
                self._say(line)
            raise
        self._started = True
        for line in welcome(environment, first):
            self._say(line)

    def _wait_for(self, file: int) -> None:
        """Wait until the file can be read. Raises StopAsked."""
        while not self._signals.sleep(HOUSEKEEPING_SECONDS, file):
            if self._signals.asked_to_stop:
                raise StopAsked

    def _start(self, *wanted: Program) -> None:
        for program in wanted:
            child = Child(
                program,
                folder=self._folder,
                logs=self._environment.data / "logs",
                watched_by=self._guard,
            )
            self._children.append(child)
            child.start()

    def _wait(self, children: Iterable[Child], seconds: float) -> None:
        """Wait until all of them answer. Raises CannotStart on timeout."""
        deadline = time.monotonic() + seconds
        waiting = list(children)
        while waiting := [child for child in waiting if not child.check()]:
            self._look_after_children()
            if self._signals.asked_to_stop:
                raise StopAsked
            if time.monotonic() > deadline:
                names = ", ".join(child.program.name for child in waiting)
                raise CannotStart(
                    f"No answer within {seconds:.0f} s from {names}: see "
                    f"{self._log_names(waiting)}."
                )
            self._signals.sleep(0.05)

    # --- Watch ------------------------------------------------------------------------------------

    def _look_after_children(self) -> None:
        """Restart dead children. Raises CannotStart for one that dies after every start."""
        for child in self._children:
            code = child.died()
            if code is not None and not self._signals.asked_to_stop:
                self._report_death(child, code)
            elif not self._signals.asked_to_stop:
                child.start_if_due()
        if time.monotonic() > self._housekeeping_at:
            self._housekeeping_at = time.monotonic() + HOUSEKEEPING_SECONDS
            self._guard.check()
            for child in self._children:
                rotate(child.log)

    def _report_death(self, child: Child, code: int) -> None:
        name, log = child.program.name, self._log_names([child])
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        allowed = FAST_DEATHS_ALLOWED if self._started else FAST_DEATHS_ALLOWED_AT_START
        if child.fast_deaths >= allowed:
            raise CannotStart(
                f"{name} ended {child.fast_deaths} times right after its start ({how}). "
                f"The end of {log}:\n"
                f"{child.last_words()}"
            )
        self._say(
            f"{name} ended ({how}); starting it again in {child.pause_seconds:g} s; its log: {log}"
        )

    def _log_names(self, children: Iterable[Child]) -> str:
        return ", ".join(os.path.relpath(child.log) for child in children)

    # --- Stop -------------------------------------------------------------------------------------

    def _stop_all(self) -> None:
        """First the processes that accept work, then the workers, then what both need."""
        self._say("Stopping (again Ctrl-C: at once)")
        patience_used_up = self._signals.asked_to_stop + 1 if self._signals.asked_to_stop else 1
        for prefixes in (("beat", "web"), ("worker",), ("local-model",), ("valkey",)):
            group = [child for child in self._children if child.program.name.startswith(prefixes)]
            for child in group:
                child.ask_to_end()
            since = time.monotonic()
            while group := [child for child in group if not child.ended()]:
                for child in group:
                    overdue = time.monotonic() - since > child.program.grace_seconds
                    if overdue or self._signals.asked_to_stop >= patience_used_up:
                        child.kill()
                self._signals.sleep(0.05)
        self._say("Stopped")
