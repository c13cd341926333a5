"""A process that is killed in the middle of runs loses nothing that was accepted."""

from __future__ import annotations

import http.client
import threading
from urllib.parse import urlsplit

import pytest

from tests.orchestra.conftest import ANSWER_SECONDS
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("installations")

RUNS = 6


def call(installation, **headers):
    path, _, example = installation.sample
    return installation.call(path, example, **headers)


def statuses(installation, accepted):
    return [installation.call(urlsplit(one["status_url"]).path)[1]["status"] for one in accepted]


@pytest.fixture
def slower(slow):
    """Three blocks ask at the same time: slow enough to be killed in the middle."""
    slow.seconds = 2.0
    yield slow
    slow.seconds = ANSWER_SECONDS


def test_every_run_of_killed_workers_ends_well(busy, slower):
    accepted = []
    before = slower.asked
    for _ in range(RUNS):
        status, answer = call(busy, Prefer="respond-async")
        assert status == 202
        accepted.append(answer)
    # Calls of several runs are under way: the middle.
    wait_until(lambda: slower.asked > before + RUNS)
    assert "running" in statuses(busy, accepted)
    for name in ("worker-1@%h", "worker-2@%h"):
        busy.member(name).kill()
    busy.wait_for("worker-1 ended .*signal 9.* starting it again")
    wait_until(lambda: set(statuses(busy, accepted)) == {"completed"})
    for one in accepted:
        _, log = busy.call(urlsplit(one["status_url"]).path)
        assert log["result_data"] is not None
        assert log["error"] is None


def test_what_a_killed_web_process_carried_goes_on_in_a_worker(busy, slower):
    ends = []

    def ask():
        try:
            call(busy)
        except (OSError, http.client.HTTPException) as error:
            ends.append(error)

    before = slower.asked
    caller = threading.Thread(target=ask)
    caller.start()
    wait_until(lambda: slower.asked > before + 1)
    busy.member("gunicorn").kill()
    caller.join(timeout=30)
    assert ends, "the caller was answered by a process that was killed"
    busy.wait_for("web ended .* starting it again")
    wait_until(lambda: busy.call("/api/health/live")[0] == 200)
    [newest] = busy.call("/api/executions?limit=1")[1]["results"]
    url = f"/api/executions/{newest['id']}"
    wait_until(lambda: busy.call(url)[1]["status"] == "completed")
    steps = busy.call(url)[1]["steps"]
    # What was under way when the process died was asked again, and nothing else.
    assert slower.asked - before <= 2 * len([step for step in steps if step["model"]])
