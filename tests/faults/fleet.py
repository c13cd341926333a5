"""The processes of an installation, started as in production; killed, frozen and started again."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from orchestra.env import Environment
from orchestra.launcher import programs
from orchestra.launcher.processes import Program, die_with
from tests.services import plain_environment

STOP_SECONDS = 60.0
DEATH_SECONDS = 20.0
# What each kind of process says once it works.
WORKS = {"web": b"ASGI server listening", "worker": b" ready.", "beat": b"beat: Starting"}


@dataclass
class Member:
    """One program of the fleet; `kind` is web, worker or beat."""

    kind: str
    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    fault_point: str = ""
    thaw_at: float | None = None
    frozen_pid: int = 0
    is_ending: bool = False
    started_at: float = 0.0
    _log_start: int = 0
    _child: int = 0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def is_frozen(self) -> bool:
        return self.thaw_at is not None

    @property
    def is_to_die(self) -> bool:
        """Whether it was started to die at a point, and is still given the time to get there."""
        return bool(self.fault_point) and time.monotonic() - self.started_at < DEATH_SECONDS

    @property
    def is_ready(self) -> bool:
        """Whether it has said, since it was started, that it works, and was not told to end."""
        if self.process is None or self.process.poll() is not None:
            return False
        if self.is_frozen or self.is_ending:
            return False
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return WORKS[self.kind] in log.read()

    def serving_pid(self) -> int:
        """The process that does the work: gunicorn's child, else the program itself; 0 if none."""
        if self.process is None or self.process.poll() is not None:
            return 0
        if self.kind != "web":
            return self.process.pid
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children()
            return children[0].pid if children else 0
        return 0


class Fleet:
    """Processes of several kinds. All methods are for the main thread: children die with it."""

    def __init__(
        self, environment: Environment, variables: Mapping[str, str], *, folder: Path, code: Path
    ) -> None:
        self.variables = variables
        self.code = code
        self.listener = socket.create_server((environment.host, environment.port), backlog=2048)
        self.listener.set_inheritable(True)
        one = dataclasses.replace(environment, web_processes=1)
        webs = [
            dataclasses.replace(programs.web(one, self.listener, {}), name=f"web-{number}")
            for number in range(1, environment.web_processes + 1)
        ]
        kinds = {
            "web": webs,
            "worker": list(programs.workers(environment, {})),
            "beat": list(programs.schedulers(environment, {})),
        }
        self.members = [
            Member(kind, program, folder / f"{program.name}.log")
            for kind, found in kinds.items()
            for program in found
        ]

    def of(self, kind: str) -> list[Member]:
        return [member for member in self.members if member.kind == kind]

    def start(self, member: Member, fault_point: str = "") -> None:
        """Start the program; with a fault point it dies there."""
        member.fault_point, member.thaw_at, member._child = fault_point, None, 0
        member.is_ending = False
        member.started_at = time.monotonic()
        fault = {"ORCHESTRA_FAULT_POINT": fault_point} if fault_point else {}
        with member.log.open("ab") as log:
            member._log_start = log.tell()
            member.process = subprocess.Popen(
                member.program.arguments,
                cwd=self.code,
                env=plain_environment({**self.variables, **member.program.variables, **fault}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=member.program.keep_open,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )

    def start_all(self, seconds: float = 90.0) -> None:
        """Start everything and wait until it works."""
        for member in self.members:
            self.start(member)
        self.wait_ready(self.members, seconds)

    def wait_ready(self, members: Iterable[Member], seconds: float) -> None:
        end = time.monotonic() + seconds
        for member in members:
            while not member.is_ready:
                self.look_after()
                if time.monotonic() > end:
                    raise AssertionError(f"{member.name} did not start:\n{last_words(member)}")
                time.sleep(0.1)

    def kill(self, member: Member) -> None:
        """SIGKILL to the program, and to what it would leave behind."""
        if member.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(member.process.pid, signal.SIGKILL)
            member.process.wait()
        member.thaw_at = None

    def kill_child(self, member: Member) -> bool:
        """SIGKILL to gunicorn's child alone; gunicorn makes another."""
        pid = member.serving_pid()
        if pid:
            os.kill(pid, signal.SIGKILL)
        return bool(pid)

    def end(self, member: Member) -> None:
        """SIGTERM; `look_after` starts it again once it has ended.

        It is told once: a second SIGTERM while Python closes down ends it there and then.
        """
        if member.process is not None and not member.is_ending:
            member.process.terminate()
            member.is_ending = True

    def freeze(self, member: Member, seconds: float) -> bool:
        """SIGSTOP to what does the work; `look_after` wakes it when the time is over."""
        pid = member.serving_pid()
        if not pid or member.is_frozen:
            return False
        os.kill(pid, signal.SIGSTOP)
        member.frozen_pid, member.thaw_at = pid, time.monotonic() + seconds
        return True

    def look_after(self) -> list[str]:
        """Wake what was frozen long enough and start again what has died: who died, and how."""
        done = []
        for member in self.members:
            if member.thaw_at is not None and time.monotonic() >= member.thaw_at:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(member.frozen_pid, signal.SIGCONT)
                member.thaw_at = None
            if member.process is not None and self._has_died(member):
                point = member.fault_point.partition(":")[0]
                how = f"died at {point}" if point else "was dead"
                self.kill(member)
                self.start(member)
                done.append(how)
        return done

    def _has_died(self, member: Member) -> bool:
        if member.process is None or member.process.poll() is not None:
            return True
        if member.kind != "web" or not member.fault_point:
            return False
        # Gunicorn would make children that die at the same point, again and again.
        child, member._child = member._child, member.serving_pid()
        return bool(child) and child != member._child

    def stop_all(self) -> dict[str, tuple[int, float]]:
        """SIGTERM to everything: each one's exit code and how many seconds it took."""
        began = time.monotonic()
        running = [member for member in self.members if member.process is not None]
        for member in running:
            self.end(member)
        ends = {}
        for member in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = member.process.wait(max(0.1, STOP_SECONDS - time.monotonic() + began))
                ends[member.name] = (code, time.monotonic() - began)
            self.kill(member)
        return ends


def errors_of(member: Member, count: int = 400) -> str:
    """The last lines of all errors that its log tells of."""
    found, inside = [], False
    for line in member.log.read_text(errors="replace").splitlines():
        if re.match(r"\[?\d{4}-", line):
            inside = " ERROR " in line
        if inside:
            found.append(line)
    return "\n".join(found[-count:])


def last_words(member: Member, count: int = 30) -> str:
    """The end of its log."""
    return "\n".join(member.log.read_text(errors="replace").splitlines()[-count:])
