"""`manage.py up`: run the whole installation until Ctrl-C. `make run` ends here.

Nothing here loads Django: what can start without it is started first.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from orchestra.env import read_environment
from orchestra.launcher.installation import CannotStart
from orchestra.launcher.supervisor import Supervisor

FOLDER = Path(__file__).resolve().parent.parent.parent


def up() -> int:
    """The exit code. Raises ImproperlyConfigured for variables that cannot be used."""
    supervisor = Supervisor(read_environment(), folder=FOLDER, say=_say)
    try:
        return supervisor.run()
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _say(line: str) -> None:
    # Whoever read our output may be gone; the installation runs on.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
