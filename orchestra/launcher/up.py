"""`manage.py up`: runs the whole installation until Ctrl-C. `make run` calls it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from orchestra.env import read_environment
from orchestra.launcher.installation import CannotStart
from orchestra.launcher.supervisor import Supervisor

FOLDER = Path(__file__).resolve().parent.parent.parent


def up() -> int:
    """Returns the exit code. Raises ImproperlyConfigured for invalid variables."""
    supervisor = Supervisor(read_environment(), folder=FOLDER, say=_say)
    try:
        return supervisor.run()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _say(line: str) -> None:
    # The reader of our output may be gone; the installation keeps running.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
