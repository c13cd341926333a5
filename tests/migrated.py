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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers import packaged_programs

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".cache" / "migrated"
UNFINISHED = KEPT / "unfinished"


def copy_migrated_database(target: Path) -> None:
    """Put a copy there; makes the original if the migrations have changed since."""
    target.parent.mkdir(parents=True, exist_ok=True)
    original = KEPT / f"{_fingerprint()}.sqlite3"
    with _alone():
        if not original.exists():
            for stale in KEPT.glob("*.sqlite3*"):
                stale.unlink()
            _migrate()
            (UNFINISHED / "orchestra.sqlite3").rename(original)
        shutil.copyfile(original, target)


def migrated_template(url: str) -> str:
    """The name of a database on this PostgreSQL server to copy; makes it if the migrations have
    changed since. `url` names any database there.
    """
    name = f"orchestra_migrated_{_fingerprint()}"
    unfinished = f"{name}_unfinished"
    with _alone(), _connected(url) as connection:
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
            _fill(_beside(url, unfinished))
            connection.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


def create_migrated_database(url: str) -> None:
    """Make the database of this address, on a PostgreSQL server that the tests started."""
    with _alone(), _connected(url) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_name_in(url))))
        _fill(url)


@contextmanager
def _alone() -> Iterator[None]:
    """Test processes begin together, and one makes what all copy."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _connected(url: str) -> psycopg.Connection[tuple[str, ...]]:
    return psycopg.connect(_address(_beside(url, "postgres")), autocommit=True)


def _beside(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


def _name_in(url: str) -> str:
    return url.rpartition("/")[2]


def _address(url: str) -> str:
    """As PostgreSQL's own programs have it: of the tests' own servers, the folder of the socket
    stands for a host.
    """
    server, _, folder = url.rpartition("/")[0].partition("@/")
    if not folder:
        return url
    return f"host=/{folder} user={server.removeprefix('postgresql://')} dbname={_name_in(url)}"


def _fill(url: str) -> None:
    """Migrate an empty database, or give it what another was given by the same migrations."""
    kept = KEPT / f"{_fingerprint()}.dump"
    address = f"--dbname={_address(url)}"
    restore = ["--exit-on-error", "--single-transaction", "--no-owner", address]
    if kept.exists() and _runs("pg_restore", *restore, kept):
        return
    _migrate(DATABASE_URL=url)
    for stale in KEPT.glob("*.dump"):
        stale.unlink()
    # A server of somebody's own may be newer than these programs: then each is migrated.
    if not _runs("pg_dump", "--format=custom", "--compress=0", f"--file={kept}", address):
        kept.unlink(missing_ok=True)


def _migrate(**variables: str) -> None:
    """Apply all migrations; the data folder of that is `UNFINISHED`."""
    from tests.services import plain_environment

    shutil.rmtree(UNFINISHED, ignore_errors=True)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT,
        env=plain_environment({"ORCHESTRA_DATA": str(UNFINISHED), **variables}),
        check=True,
    )


def _runs(program: str, *arguments: str | Path) -> bool:
    """Whether one of PostgreSQL's programs did what it was to do."""
    command = [packaged_programs() / program, *arguments]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


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
