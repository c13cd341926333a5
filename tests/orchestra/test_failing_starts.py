"""A start that cannot succeed, or is ended, says why and leaves nothing behind."""

from __future__ import annotations

import socket
import sqlite3
import sys
from contextlib import closing

import pytest

from orchestra.env import read_environment
from orchestra.launcher import programs
from orchestra.launcher.installation import CannotStart, free_loopback_port
from orchestra.launcher.processes import Program
from orchestra.launcher.supervisor import Supervisor
from tests.installations import READY_SECONDS, ROOT, living, start
from tests.migrated import copy_migrated_database

# They start many processes: one after the other.
pytestmark = pytest.mark.xdist_group("installations")


def test_a_broker_that_does_not_answer_is_a_sentence(tmp_path):
    found = start(tmp_path / "data", REDIS_URL="redis://127.0.0.1:1/0")
    assert found.process.wait(timeout=60) == 1
    assert "check REDIS_URL" in found.wait_for("Redis does not answer")
    assert "Traceback" not in found.output


def test_a_ruined_database_is_a_sentence(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orchestra.sqlite3").write_text("this is no database" * 100)
    found = start(tmp_path / "data")
    assert found.process.wait(timeout=60) == 1
    found.wait_for("The database cannot be used")
    assert "Traceback" not in found.output


def test_ctrl_c_ends_it_while_the_database_is_prepared(tmp_path):
    """That may take long: here the database's server never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(READY_SECONDS)
        address = f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/none"
        found = start(tmp_path / "data", DATABASE_URL=address)
        connection, _ = server.accept()
        family = found.family()
        with connection:
            assert found.stop() == 0
    found.wait_for("^Stopped")
    assert len(family) >= 3
    assert not living(family)


def test_a_start_that_fails_prints_the_password_that_it_made(tmp_path, monkeypatch):
    copy_migrated_database(tmp_path / "orchestra.sqlite3")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    variables = {"ORCHESTRA_DATA": str(tmp_path), "ORCHESTRA_PORT": str(free_loopback_port())}
    environment = read_environment({**variables, "ORCHESTRA_LOCAL_MODEL": "0"})
    broken = Program("web", [sys.executable, "-c", "1/0"], answers=lambda child: False)
    monkeypatch.setattr(programs, "web", lambda *_: broken)
    monkeypatch.setattr(programs, "workers", lambda *_: [])
    monkeypatch.setattr(programs, "schedulers", lambda *_: [])
    printed = []
    with pytest.raises(CannotStart, match="ZeroDivisionError"):
        Supervisor(environment, folder=ROOT, say=printed.append).run()
    assert [line for line in printed if line.startswith("Sign in as admin with the password ")]


def test_a_start_without_a_broker_makes_no_password(tmp_path, monkeypatch):
    copy_migrated_database(tmp_path / "orchestra.sqlite3")
    monkeypatch.delenv("DATABASE_URL", raising=False)
    variables = {"ORCHESTRA_DATA": str(tmp_path), "ORCHESTRA_PORT": str(free_loopback_port())}
    environment = read_environment({**variables, "ORCHESTRA_LOCAL_MODEL": "0"})
    broken = Program("valkey", [sys.executable, "-c", "1/0"], answers=lambda child: False)
    monkeypatch.setattr(programs, "broker", lambda *_: broken)
    printed = []
    with pytest.raises(CannotStart, match="ZeroDivisionError"):
        Supervisor(environment, folder=ROOT, say=printed.append).run()
    with closing(sqlite3.connect(tmp_path / "orchestra.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM auth_user").fetchone() == (0,)
    assert not [line for line in printed if "password" in line]


def test_a_wrong_variable_is_a_sentence(tmp_path):
    found = start(tmp_path / "data", ORCHESTRA_CONCURRENCY="many")
    assert found.process.wait(timeout=60) == 1
    found.wait_for("ORCHESTRA_CONCURRENCY is 'many'")
    assert "Traceback" not in found.output
