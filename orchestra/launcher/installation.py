"""Resources of a running installation: data folder, lock, address, broker's socket."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from orchestra.launcher import guard

# The guard of a killed supervisor holds the lock until everything has ended.
CLEAN_UP_SECONDS = 12.0


class CannotStart(Exception):
    """The sentence says what prevents the start, and what to do."""


def prepare_folder(data: Path) -> None:
    """Create the data folder, private to this user, and raise the limit of open files."""
    os.umask(0o077)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        (data / "logs").mkdir(exist_ok=True, mode=0o700)
        (data / "valkey").mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotStart(f"The data folder {data} cannot be written: {error.strerror}.") from error
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def locked(data: Path) -> Iterator[int]:
    """Lock the data folder; yields the descriptor for the guard.

    Two locks distinguish a running supervisor from a killed one whose guard still cleans up: the
    first is ours alone, the second shared with the guard. Raises CannotStart if one runs here.
    """
    ours = os.open(data / "supervisor.lock", os.O_RDWR | os.O_CREAT, 0o600)
    shared = os.open(data / "cleanup.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(ours):
            holder = os.pread(ours, 32, 0).decode(errors="replace").strip() or "unknown"
            raise CannotStart(
                f"Orchestra already runs on {data} (process {holder}): stop it first, "
                "or set ORCHESTRA_DATA and ORCHESTRA_PORT to others for a second installation."
            )
        deadline = time.monotonic() + CLEAN_UP_SECONDS
        while not _lock(shared):
            if time.monotonic() > deadline:
                raise CannotStart(f"The last run on {data} is still being ended: try again.")
            time.sleep(0.1)
        os.ftruncate(ours, 0)
        os.pwrite(ours, f"{os.getpid()}\n".encode(), 0)
        yield shared
    finally:
        os.close(shared)
        os.close(ours)


def listen(host: str, port: int) -> socket.socket:
    """The web server's listening socket. The supervisor holds it, so that it survives restarts.

    Raises CannotStart if the address cannot be used.
    """
    with contextlib.ExitStack() as undo:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = undo.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
        except OSError as error:
            problems = {
                errno.EADDRINUSE: f"Port {port} of {host} is taken: stop what uses it, or set "
                "ORCHESTRA_PORT to another.",
                errno.EACCES: f"This user may not listen on port {port}: set ORCHESTRA_PORT to one "
                "above 1023.",
            }
            other = (
                f"Cannot listen on {host}, port {port} ({error.strerror}): check ORCHESTRA_HOST."
            )
            raise CannotStart(problems.get(error.errno or 0, other)) from error
        undo.pop_all()
        return listener


def free_loopback_port() -> int:
    """A port of this machine that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare_socket(path: Path) -> None:
    """Remove an old socket and create its folder. Under the lock, so the old socket is unused.

    Raises CannotStart if the folder belongs to another user.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = path.parent.lstat()
    if not stat.S_ISDIR(folder.st_mode) or folder.st_uid != os.getuid():
        raise CannotStart(
            f"{path.parent} belongs to another user: remove it, or use a shorter ORCHESTRA_DATA."
        )
    path.unlink(missing_ok=True)


def remove_socket(path: Path, data: Path) -> None:
    for leftover in socket_leftovers(path, data):
        guard.remove(str(leftover))


def socket_leftovers(path: Path, data: Path) -> list[Path]:
    """The broker's socket, and its folder if it has one of its own."""
    return [path] if path.parent == data else [path, path.parent]


def broker_answers(path: Path) -> bool:
    """True if a valkey-server on the unix socket has loaded its data and answers."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(b"PING\r\n")
        return connection.recv(64).startswith(b"+PONG")
    return False


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
