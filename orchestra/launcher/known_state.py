"""Whether the embedded database is known to fit the code, told without loading Django.

Checking migrations takes the supervisor more than a second, in which everything else would wait.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import sysconfig
from pathlib import Path

from orchestra.env import Environment

STAMP = "database-fits"
SQLITE = "sqlite:///"


def is_known_to_fit(environment: Environment, code: Path) -> bool:
    """True if the database is as it was when this very code was last done with its migrations."""
    stamp = environment.data / STAMP
    now = _fingerprint(environment, code)
    try:
        return now is not None and stamp.read_text() == now
    except OSError:
        return False


def note_that_it_fits(environment: Environment, code: Path) -> None:
    """To be called when no migration waits."""
    now = _fingerprint(environment, code)
    if now is not None:
        # Without it the next start looks at the migrations.
        with contextlib.suppress(OSError):
            (environment.data / STAMP).write_text(now)


def _fingerprint(environment: Environment, code: Path) -> str | None:
    """Of the migrations that there are and of those that were applied; None for a database server,
    which others may change meanwhile.
    """
    if not environment.database_url.startswith(SQLITE):
        return None
    found = hashlib.sha256()
    for path in [code / "orchestra" / "settings.py", *sorted(code.glob("*/migrations/*.py"))]:
        found.update(f"{path.relative_to(code)}\n".encode() + path.read_bytes())
    # Libraries have migrations, too: names and versions of what is installed.
    packages = Path(sysconfig.get_path("purelib"))
    found.update(repr(sorted(path.name for path in packages.glob("*.dist-info"))).encode())
    database = Path(environment.database_url.removeprefix(SQLITE))
    if not database.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(database, timeout=2)) as connection:
            applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY id")
            found.update(repr(applied.fetchall()).encode())
    except sqlite3.Error:
        return None
    return found.hexdigest()
