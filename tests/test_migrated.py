"""Databases that tests copy are dropped when the migrations have changed since."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests import migrated, servers


@pytest.fixture
def server() -> Iterator[servers.Server]:
    # Its user may not look into pytest's folders.
    with tempfile.TemporaryDirectory(prefix="orchestra-test-") as folder:
        server = servers.postgres(Path(folder)).start()
        yield server
        server.stop()


def names_on(server: servers.Server) -> set[str]:
    with _connect(server) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname ~ '_migrated_'")
        return {name for (name,) in rows}


def _connect(server: servers.Server) -> psycopg.Connection[tuple[str]]:
    folder = server.url.split("@/")[1].rpartition("/")[0]
    return psycopg.connect(host=f"/{folder}", user="postgres", autocommit=True)


def test_a_server_keeps_one_template_of_each_checkout(
    server: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrated, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(migrated, "_fill", lambda url: None)
    with _connect(server) as connection:
        connection.execute("CREATE DATABASE orchestra_migrated_old")
        connection.execute("CREATE DATABASE orchestra_migrated_theirs")
        connection.execute("COMMENT ON DATABASE orchestra_migrated_theirs IS '/elsewhere'")
    monkeypatch.setattr(migrated, "_fingerprint", lambda: "first")
    assert migrated.migrated_template(server.url) == "orchestra_migrated_first"
    assert migrated.migrated_template(server.url) == "orchestra_migrated_first"
    theirs = "orchestra_migrated_theirs"
    assert names_on(server) == {"orchestra_migrated_first", theirs}
    monkeypatch.setattr(migrated, "_fingerprint", lambda: "second")
    migrated.migrated_template(server.url)
    assert names_on(server) == {"orchestra_migrated_second", theirs}
