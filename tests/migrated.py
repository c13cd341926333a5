"""A database with all migrations applied, made once and copied: making it takes as long as ten
tests.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".cache" / "migrated"


def copy_migrated_database(target: Path) -> None:
    """Put a copy there; makes the original if the migrations have changed since."""
    from tests.services import plain_environment

    KEPT.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    original = KEPT / f"{_fingerprint()}.sqlite3"
    with (KEPT / "lock").open("w") as lock:
        # Test processes begin together, and one makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not original.exists():
            for stale in KEPT.glob("*.sqlite3*"):
                stale.unlink()
            unfinished = KEPT / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                cwd=ROOT,
                env=plain_environment({"ORCHESTRA_DATA": str(unfinished)}),
                check=True,
            )
            (unfinished / "orchestra.sqlite3").rename(original)
            shutil.rmtree(unfinished)
        shutil.copyfile(original, target)


def migrated_template(url: str) -> str:
    """The name of a database on this PostgreSQL server to copy; makes it if the migrations have
    changed since. `url` names any database there.
    """
    from tests.services import plain_environment

    KEPT.mkdir(parents=True, exist_ok=True)
    server, name = url.rpartition("/")[0], f"orchestra_migrated_{_fingerprint()}"
    unfinished = f"{name}_unfinished"
    # As the tests' own server is named: the folder of its socket stands for a host.
    user, _, folder = server.removeprefix("postgresql://").partition("@/")
    address = f"host=/{folder} user={user}" if folder else server
    with (KEPT / "lock").open("w") as lock:
        # Test processes begin together, and one makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(address, dbname="postgres", autocommit=True) as connection:
            found = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(found, [name]).fetchone() is None:
                connection.execute(f'DROP DATABASE IF EXISTS "{unfinished}"')
                _drop_stale(connection)
                connection.execute(f'CREATE DATABASE "{unfinished}"')
                connection.execute(
                    sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                        sql.Identifier(unfinished), sql.Literal(str(ROOT))
                    )
                )
                subprocess.run(
                    [sys.executable, "manage.py", "migrate", "--verbosity=0"],
                    cwd=ROOT,
                    env=plain_environment(
                        {
                            "ORCHESTRA_DATA": str(KEPT / "unfinished"),
                            "DATABASE_URL": f"{server}/{unfinished}",
                        }
                    ),
                    check=True,
                )
                shutil.rmtree(KEPT / "unfinished", ignore_errors=True)
                connection.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def _drop_stale(connection: psycopg.Connection[tuple[str, ...]]) -> None:
    """Drop what this checkout made for earlier migrations, or a checkout that did not say so."""
    stale = connection.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'orchestra\\_migrated\\_%%'"
        " AND coalesce(shobj_description(oid, 'pg_database'), %s) = %s",
        [str(ROOT), str(ROOT)],
    ).fetchall()
    for (name,) in stale:
        # One that is being copied at this moment is dropped another time.
        with suppress(psycopg.errors.ObjectInUse):
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _fingerprint() -> str:
    """Of all migrations: ours by their text, those of libraries by the names and versions."""
    digest = hashlib.sha256()
    for path in [ROOT / "orchestra" / "settings.py", *sorted(ROOT.glob("*/migrations/*.py"))]:
        digest.update(path.read_bytes())
    packages = Path(sysconfig.get_path("purelib"))
    digest.update(repr(sorted(path.name for path in packages.glob("*.dist-info"))).encode())
    return digest.hexdigest()[:16]
