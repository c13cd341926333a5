"""Starts real installations as `make run` does, each with a data folder and a port of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from orchestra.launcher.installation import free_loopback_port
from orchestra.launcher.processes import die_with
from tests.migrated import copy_migrated_database
from tests.services import plain_environment

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "a password for this test only"
# All cores may have something else to do.
READY_SECONDS = 600.0


@dataclass
class Installation:
    """A supervisor that was started, what it printed, and its processes."""

    data: Path
    port: int
    variables: Mapping[str, str]
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, pattern: str, seconds: float = READY_SECONDS) -> str:
        """The first printed line that matches; fails with everything printed if there is none."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                for line in self.lines:
                    if re.search(pattern, line):
                        return line
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._changed.wait(1.0)):
                    raise AssertionError(
                        f"no line like {pattern!r} in:\n{self.output}{self.logs()}"
                    )
                self._changed.wait(min(left, 1.0))

    def wait_until_ready(self) -> None:
        self.wait_for(f"^ready {self.address}$")

    def curl(self) -> subprocess.CompletedProcess[str]:
        """Run the printed line in a shell, as a person does."""
        line = self.wait_for("^curl ")
        return subprocess.run(
            ["sh", "-c", f"{line} -w '\\n%{{http_code}}'"],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    @property
    def sample(self) -> tuple[str, str, dict[str, Any]]:
        """Path, key and input of the sample, from the printed line."""
        words = shlex.split(self.wait_for("^curl "))
        key = next(word for word in words if word.startswith("Authorization")).split()[-1]
        return words[-1].removeprefix(self.address), key, json.loads(words[words.index("-d") + 1])

    def call(self, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """GET, or POST with a body, with the sample's key: status and answer."""
        headers = {"Authorization": f"Bearer {self.sample[1]}", **headers}
        data = None
        if body is not None:
            data, headers["Content-Type"] = json.dumps(body), "application/json"
        # Closed also where the process that was to answer is killed.
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET" if body is None else "POST", path, data, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def family(self) -> list[psutil.Process]:
        """Every process under the supervisor."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def member(self, *words: str) -> psutil.Process:
        """The first process whose command line has all the words."""
        found = [one for one in self.family() if set(words) <= set(_command(one))]
        assert found, f"no process with {words}"
        return found[0]

    def stop(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)

    def logs(self) -> str:
        """The ends of all logs, for a failure's message."""
        texts = [
            f"\n--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
            for path in sorted((self.data / "logs").glob("*.log"))
        ]
        return "".join(texts)

    def read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                with self._changed:
                    self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()


def _command(process: psutil.Process) -> list[str]:
    """The words of its command line; none if it is just ending."""
    try:
        return shlex.join(process.cmdline()).split()
    except psutil.Error:
        return []


def start(data: Path, *, port: int | None = None, **variables: str) -> Installation:
    """Start a supervisor; it is not ready yet."""
    port = port or free_loopback_port()
    ours = {
        "ORCHESTRA_DATA": str(data),
        "ORCHESTRA_PORT": str(port),
        "ORCHESTRA_MODEL": "offline:stand-in",
        "ORCHESTRA_LOCAL_MODEL": "0",
        "ORCHESTRA_ADMIN_PASSWORD": PASSWORD,
        **variables,
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env=plain_environment(ours),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with(os.getpid()),
    )
    found = Installation(data, port, ours, process)
    threading.Thread(target=found.read, daemon=True).start()
    return found


@contextmanager
def running(
    data: Path, *, port: int | None = None, is_migrated: bool = True, **variables: str
) -> Iterator[Installation]:
    """An installation that answers; ended at the end, whatever happened.

    A new one finds its embedded database migrated, unless the test is about that.
    """
    database = data / "orchestra.sqlite3"
    if is_migrated and "DATABASE_URL" not in variables and not database.exists():
        copy_migrated_database(database)
    found = start(data, port=port, **variables)
    try:
        found.wait_until_ready()
        yield found
    finally:
        end(found)


def end(found: Installation) -> None:
    """End it if it still runs, by force if it must be."""
    if found.process.poll() is None:
        try:
            found.stop()
        except subprocess.TimeoutExpired:
            found.process.kill()
            found.process.wait()


def again(found: Installation, **variables: str) -> Installation:
    """Start a supervisor on the same data folder and port."""
    return start(found.data, port=found.port, **{**found.variables, **variables})


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
