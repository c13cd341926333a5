"""Cleans up after a supervisor that was killed: a small process that outlives it by a few seconds.

Runs as a plain script, without Django, so that it starts in a few milliseconds. The supervisor
keeps the other end of its standard input and writes `+PID` and `-PID` as process groups come and
go. When that end closes, the supervisor is gone: whatever is still registered is asked to end, then
killed.
"""

import contextlib
import os
import signal
import sys
import time

# Together less than the ten seconds after which nothing may be left.
PATIENCE_SECONDS = 5.0
LAST_WORD_SECONDS = 1.0


def main(paths: list[str]) -> None:
    """Wait for the end of standard input, end the groups, remove `paths` (sockets, folders)."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = _registered_until_the_end()
    _send(groups, signal.SIGTERM)
    _wait(groups, PATIENCE_SECONDS)
    _send(groups, signal.SIGKILL)
    _wait(groups, LAST_WORD_SECONDS)
    for path in paths:
        remove(path)


def remove(path: str) -> None:
    """Remove a socket, or the folder made for it when nothing else is in it."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            os.rmdir(path)
        else:
            os.unlink(path)


def _registered_until_the_end() -> set[int]:
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line[0] == "+":
            groups.add(number)
        else:
            groups.discard(number)
    return groups


def _send(groups: set[int], number: int) -> None:
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def _wait(groups: set[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while groups and time.monotonic() < deadline:
        groups.difference_update([group for group in groups if not alive(group)])
        time.sleep(0.05)


def alive(group: int) -> bool:
    """True while the process group has a member."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
