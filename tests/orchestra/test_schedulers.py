"""Real schedulers, killed, doubled and cut off: every planned time runs, and runs once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from deployments.schedules.store import TASK
from orchestra.launcher.processes import die_with
from tests.documents import doubling
from tests.installations import ROOT, Installation, running
from tests.services import plain_environment
from tests.waiting import wait_until

# They measure time and start many processes: one after the other.
pytestmark = pytest.mark.xdist_group("installations")

STOCK = "django_celery_beat.schedulers:DatabaseScheduler"
EVERY_SECOND = {
    "interval_seconds": 1, "overlap": "allow", "misfire": "run_all", "input_data": {"number": 4},
}  # fmt: skip


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    """The variables of an installation on the database that the tests run on."""
    url = settings.ENVIRONMENT.database_url
    if not url.startswith("postgres"):
        yield {}
        return
    server, name = url.rpartition("/")[0], f"schedulers_{uuid.uuid4().hex}"
    folder = server.partition("@/")[2]
    with psycopg.connect(host=f"/{folder}", user="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield {"DATABASE_URL": f"{server}/{name}"}


class Api:
    """Calls of an installation with a key that may everything."""

    def __init__(self, installation: Installation) -> None:
        self.port = installation.port
        made = subprocess.run(
            [sys.executable, "manage.py", "create_api_key", "admin"]
            + ["--scopes", "execute,read,manage"],
            env=plain_environment(installation.variables), cwd=ROOT, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.headers = {
            "Authorization": f"Bearer {made.stdout.strip()}",
            "Content-Type": "application/json",
        }

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, json.dumps(body) if body else None, self.headers)
            response = connection.getresponse()
            text = response.read()
        assert response.status < 300, text
        return json.loads(text) if text else None

    def ledger(self, schedule: str) -> list[dict[str, Any]]:
        """All occurrences, earliest first."""
        found, path = [], f"{schedule}/occurrences?limit=500"
        while path:
            page = self("GET", path)
            found += page["results"]
            path = (page["next"] or "").partition(f":{self.port}")[2]
        return found[::-1]


@contextmanager
def stock_beat(installation: Installation, log: Path) -> Iterator[None]:
    """A beat with the scheduler that comes with django-celery-beat, beside ours."""
    variables = {**installation.variables, "ORCHESTRA_PROCESS": "beat"}
    command = [sys.executable, "-m", "celery", "-A", "orchestra.celery:app", "beat", "-l", "INFO"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--pidfile=", "-S", STOCK, "--max-interval", "1"],
            env=plain_environment(variables), cwd=ROOT, stdout=output, stderr=output,
            preexec_fn=die_with(os.getpid()),
        )  # fmt: skip
    try:
        yield
        assert process.poll() is None, log.read_text()
        assert f"({TASK})" in log.read_text(), log.read_text()
    finally:
        process.kill()
        process.wait()


def member(installation: Installation, name: str) -> Any:
    return next(one for one in installation.family() if name in " ".join(one.cmdline()))


def test_killed_doubled_and_cut_off_they_neither_lose_nor_double(
    tmp_path: Path, database: dict[str, str]
) -> None:
    with (
        running(tmp_path / "data", ORCHESTRA_SCHEDULERS="2", **database) as installation,
        stock_beat(installation, tmp_path / "stock.log"),
    ):
        call = Api(installation)
        design = call("POST", "/api/designs", {"document": doubling()})
        call("POST", f"/api/designs/{design['id']}/publish", {})
        body = {"design_id": design["id"], "endpoint_path": "/double", "schedule": EVERY_SECOND}
        deployment = call("POST", "/api/deployments", body)
        schedules = f"/api/deployments/{deployment['id']}/schedules"
        schedule = f"{schedules}/{deployment['schedule']['id']}"
        wait_until(lambda: len(call.ledger(schedule)) >= 2)
        for _ in range(2):
            member(installation, "beat").kill()
            time.sleep(1)
        # Redis away, frozen and then lost.
        valkey = member(installation, "valkey-server")
        valkey.send_signal(signal.SIGSTOP)
        time.sleep(2)
        valkey.kill()
        time.sleep(2)
        # All schedulers away for some seconds.
        beats = [one for one in installation.family() if "beat" in " ".join(one.cmdline())]
        for beat in beats:
            beat.send_signal(signal.SIGSTOP)
        time.sleep(3)
        for beat in beats:
            beat.send_signal(signal.SIGCONT)
        time.sleep(3)
        call("PATCH", schedule, {"enabled": False})
        wait_until(lambda: {one["status"] for one in call.ledger(schedule)} == {"completed"})
        ledger = call.ledger(schedule)
        assert len(ledger) >= 12
        due = [datetime.fromisoformat(one["due_at"]) for one in ledger]
        assert due == [due[0] + timedelta(seconds=n) for n in range(len(due))]
        assert {one["outcome"] for one in ledger} == {"ran"}
        executions = [one["execution_id"] for one in ledger]
        assert len(set(executions)) == len(executions)
        seen = call("GET", f"/api/deployments/{deployment['id']}")["execution_count"]
        assert seen == len(executions)
