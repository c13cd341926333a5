"""Cleans up after a killed supervisor: a small process that outlives it by a few seconds.

Runs as a plain script, so that it starts in milliseconds. The supervisor holds the other end of its
standard input, and writes `+PID` and `-PID` as process groups start and end. When that end closes,
the supervisor is gone: groups that are still registered are terminated, then killed.
"""

import contextlib
import os
import signal
import sys
import time

# In total below the documented ten seconds after which nothing is left.
PATIENCE_SECONDS = 5.0
LAST_WORD_SECONDS = 1.0


def main(paths: list[str]) -> None:
    """`paths` are sockets and folders to remove at the end."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        number = int(line[1:])
        if line[0] == "+":
            groups.add(number)
        else:
            groups.discard(number)
    _send(groups, signal.SIGTERM)
    _wait(groups, PATIENCE_SECONDS)
    _send(groups, signal.SIGKILL)
    _wait(groups, LAST_WORD_SECONDS)
    for path in paths:
        remove(path)


def remove(path: str) -> None:
    """Remove a socket, or its folder if that is empty."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path):
            os.rmdir(path)
        else:
            os.unlink(path)


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
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
