"""An installation that is killed while a run waits for people asks nobody again, and the votes of
two members at the same moment let the run go on once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.installations import ROOT, Installation, again, end, living, running
from tests.services import plain_environment
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("installations")

PATH = "/waits/for-people"
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "name": "Waits for people",
    "blocks": [
        {"id": "write", "type": "sequential", "task": "Write a letter to ACME.",
         "agents": [{"id": "a", "name": "A", "system_prompt": "You write."}]},
        {"id": "release", "type": "approval",
         "settings": {"group": "finance", "required": 2, "question": "Send it?"}},
        {"id": "sent", "type": "transform",
         "settings": {"expression": "incoming.votes[*].user | sort(@)"}},
    ],
    "connections": [
        {"id": "c1", "source": "write", "target": "release"},
        {"id": "c2", "source": "release", "target": "sent", "route": "approved"},
    ],
}  # fmt: skip
SET_UP = f"""
import json
from django.contrib.auth.models import Group, User
from deployments.access.keys import create_key
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design
finance = Group.objects.create(name="finance")
keys = {{}}
for name in ("ana", "ben", "cleo"):
    person = User.objects.create_user(name)
    person.groups.set([Group.objects.get(name="Operator"), finance])
    keys[name] = create_key(owner=person, scopes=("execute", "read", "approve"))[1]
design = create_design(document=json.loads({json.dumps(DOCUMENT)!r}), caller=SYSTEM)
deploy_design(design=design, endpoint_path={PATH!r}, caller=SYSTEM)
print(json.dumps(keys))
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Installation]:
    with running(tmp_path / "data") as found:
        yield found


def set_up(installation: Installation) -> dict[str, str]:
    """The keys of three members."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", SET_UP],
        cwd=ROOT,
        env=plain_environment(dict(installation.variables)),
        capture_output=True,
        text=True,
        check=True,
    )
    keys: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return keys


def kill_all(installation: Installation) -> None:
    processes = [psutil.Process(installation.process.pid), *installation.family()]
    for one in processes:
        one.kill()
    installation.process.wait()
    wait_until(lambda: not living(processes))


def test_nobody_is_asked_again_and_the_run_goes_on_once(own: Installation) -> None:
    keys = {name: {"Authorization": f"Bearer {key}"} for name, key in set_up(own).items()}
    status, answer = own.call(f"/api/deployed{PATH}", {}, **keys["cleo"])
    assert (status, answer["status"]) == (202, "waiting")
    (asked,) = answer["waiting_for"]
    kill_all(own)
    second = again(own)
    try:
        second.wait_until_ready()
        votes = f"/api/requests/{asked['request_id']}/votes"
        body = {"verdict": "approve", "reason": "read"}
        assert second.call(votes, body, **keys["cleo"])[1]["type"] == "/problems/own-run"
        together = threading.Barrier(2)

        def cast(name: str) -> int:
            together.wait(timeout=60)
            return second.call(votes, body, **keys[name])[0]

        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(cast, ("ana", "ben"))) == [201, 201]

        def log() -> dict[str, Any]:
            return second.call(answer["status_url"], **keys["cleo"])[1]

        wait_until(lambda: log()["status"] == "completed")
        ended = log()
        assert ended["result_data"] == ["ana", "ben"]
        assert ended["usage"]["model_calls"] == 1
        requests = second.call("/api/requests", **keys["cleo"])[1]["results"]
        assert [(one["id"], one["status"]) for one in requests] == [
            (asked["request_id"], "approved")
        ]
    finally:
        end(second)
