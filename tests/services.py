"""Starts what the tests run against, before Django reads its settings: PostgreSQL and Valkey.

A pytest plugin of its own (`-p tests.services`), because pytest-django reads the settings before
any conftest is loaded. Nothing here skips: what cannot start fails the run with a sentence.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from _pytest.nodeid import coerce_node_id

from tests import servers


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
    # As the Makefile does, for all that tests start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
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
    return _started(lambda: servers.valkey(folder))


def start_postgres(folder: Path) -> str:
    """One server for all test processes: the first starts it, the others inherit its address."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    os.environ["TEST_DATABASE_URL"] = url = _started(lambda: servers.postgres(folder))
    return url


def _started(make: Callable[[], servers.Server]) -> str:
    try:
        server = make().start()
    except servers.CannotServe as error:
        raise pytest.UsageError(str(error)) from error
    atexit.register(server.stop)
    return server.url


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name groups in the ids of tests, by which xdist keeps them together.

    xdist 3.8 does so itself, but writes where pytest 9.2 no longer looks.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        names = sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})
        if names and "@" not in item.nodeid.rpartition("]")[2]:
            item._id = coerce_node_id(f"{item.nodeid}@{'_'.join(names)}")
