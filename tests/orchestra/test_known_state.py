"""Whether a start may leave out the check of migrations."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestra.env import Environment, read_environment
from orchestra.launcher.known_state import STAMP, is_known_to_fit, note_that_it_fits

Change = Callable[[Path], object]


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    data = tmp_path / "data"
    data.mkdir()
    make_database(data, "0001_initial", "0002_more")
    return read_environment({"ORCHESTRA_DATA": str(data)})


@pytest.fixture
def code(tmp_path: Path) -> Path:
    code = tmp_path / "code"
    (code / "designs" / "migrations").mkdir(parents=True)
    (code / "designs" / "migrations" / "0001_initial.py").write_text("one")
    (code / "orchestra").mkdir()
    (code / "orchestra" / "settings.py").write_text("INSTALLED_APPS = []")
    return code


def make_database(data: Path, *applied: str) -> None:
    (data / "orchestra.sqlite3").unlink(missing_ok=True)
    with sqlite3.connect(data / "orchestra.sqlite3") as connection:
        connection.execute("CREATE TABLE django_migrations (id INTEGER, app TEXT, name TEXT)")
        rows = [(number, "designs", name) for number, name in enumerate(applied)]
        connection.executemany("INSERT INTO django_migrations VALUES (?, ?, ?)", rows)


def test_it_is_known_after_it_was_noted(environment: Environment, code: Path) -> None:
    assert not is_known_to_fit(environment, code)
    note_that_it_fits(environment, code)
    assert is_known_to_fit(environment, code)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda code: (code / "designs/migrations/0002_new.py").write_text("two"),
            id="a new migration",
        ),
        pytest.param(
            lambda code: (code / "designs/migrations/0001_initial.py").write_text("other"),
            id="a changed migration",
        ),
        pytest.param(
            lambda code: (code / "orchestra/settings.py").write_text("INSTALLED_APPS = ['x']"),
            id="another app",
        ),
    ],
)
def test_other_code_is_not_known_to_fit(
    environment: Environment, code: Path, change: Change
) -> None:
    note_that_it_fits(environment, code)
    change(code)
    assert not is_known_to_fit(environment, code)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: make_database(data, "0001_initial"), id="an older copy"),
        pytest.param(lambda data: (data / "orchestra.sqlite3").unlink(), id="none"),
        pytest.param(
            lambda data: (data / "orchestra.sqlite3").write_text("no database" * 99), id="ruined"
        ),
        pytest.param(lambda data: (data / STAMP).unlink(), id="never noted"),
        pytest.param(lambda data: shutil.rmtree(data), id="no data folder"),
    ],
)
def test_another_database_is_not_known_to_fit(
    environment: Environment, code: Path, change: Change
) -> None:
    note_that_it_fits(environment, code)
    change(environment.data)
    assert not is_known_to_fit(environment, code)


def test_of_a_database_server_nothing_is_known(tmp_path: Path, code: Path) -> None:
    variables = {"ORCHESTRA_DATA": str(tmp_path), "DATABASE_URL": "postgres://ada@localhost/x"}
    environment = read_environment(variables)
    note_that_it_fits(environment, code)
    assert not is_known_to_fit(environment, code)
    assert not (tmp_path / STAMP).exists()


def test_with_another_library_it_is_not_known_to_fit(
    environment: Environment, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    (tmp_path / "django-5.2.dist-info").mkdir()
    note_that_it_fits(environment, code)
    assert is_known_to_fit(environment, code)
    (tmp_path / "django-5.2.dist-info").rename(tmp_path / "django-5.3.dist-info")
    assert not is_known_to_fit(environment, code)
