"""What one installation holds while it runs: data folder, lock, address, broker's socket."""

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

# A killed supervisor's guard keeps the lock until everything has ended.
CLEAN_UP_SECONDS = 12.0


class CannotStart(Exception):
    """Something outside is in the way; the sentence says what, and what to do."""


def prepare_folder(data: Path) -> None:
    """Make the data folder, private to this user, and raise the number of files we may open."""
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
    """Lock the data folder; gives the descriptor to hand to the guard.

    Two locks tell a running supervisor from a killed one whose guard still cleans up: the first is
    ours alone, the second is shared with the guard. Raises CannotStart if a supervisor runs here.
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
    """The web server's listening socket; the supervisor holds it, so it survives the web's restart.

    Raises CannotStart if the address cannot be had.
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
            raise CannotStart(_address_problem(host, port, error)) from error
        undo.pop_all()
        return listener


def free_loopback_port() -> int:
    """A port of this machine that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepare_socket(path: Path) -> None:
    """Make room for the broker's socket. Under the lock, so a socket that is there is a dead one's.

    Raises CannotStart if the folder made for it belongs to somebody else.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = path.parent.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise CannotStart(
            f"{path.parent} belongs to another user: remove it, or use a shorter ORCHESTRA_DATA."
        )
    path.unlink(missing_ok=True)


def remove_socket(path: Path, data: Path) -> None:
    """Remove the broker's socket, and the folder of its own if it has one."""
    for leftover in socket_leftovers(path, data):
        guard.remove(str(leftover))


def socket_leftovers(path: Path, data: Path) -> list[Path]:
    """What a dead broker would leave: its socket, and the folder of its own if it has one."""
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


def _address_problem(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken: stop what uses it, or set ORCHESTRA_PORT to another."
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}: set ORCHESTRA_PORT to one above 1023."
    return f"Cannot listen on {host}, port {port} ({error.strerror}): check ORCHESTRA_HOST."
