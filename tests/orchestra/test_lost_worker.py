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
# The first sample's three blocks ask at the same time.
TOGETHER = 3
NEVER_SECONDS = 600.0


def call(installation, **headers):
    path, _, example = installation.sample
    return installation.call(path, example, **headers)


def statuses(installation, accepted):
    return [installation.call(urlsplit(one["status_url"]).path)[1]["status"] for one in accepted]


def kill_workers(installation, slow):
    """In the middle of what they carry; who goes on with it is answered."""
    for name in ("worker-1@%h", "worker-2@%h"):
        installation.member(name).kill()
    slow.seconds = ANSWER_SECONDS


@pytest.fixture
def slower(slow):
    """Answers nothing before a process was killed."""
    slow.seconds, slow.at_once = NEVER_SECONDS, 0
    yield slow
    slow.seconds, slow.at_once = ANSWER_SECONDS, 0


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
    kill_workers(busy, slower)
    busy.wait_for("worker-1 ended .*signal 9.* starting it again")
    wait_until(lambda: set(statuses(busy, accepted)) == {"completed"})
    for one in accepted:
        _, log = busy.call(urlsplit(one["status_url"]).path)
        assert log["result_data"] is not None
        assert log["error"] is None


def test_what_was_answered_before_the_kill_is_not_asked_again(busy, slower):
    before, answered = slower.asked, len(slower.answered)
    slower.at_once = 1
    status, accepted = call(busy, Prefer="respond-async")
    assert status == 202
    url = urlsplit(accepted["status_url"]).path

    def asked_steps():
        return [step for step in busy.call(url)[1]["steps"] if step["model"]]

    wait_until(lambda: slower.asked == before + TOGETHER and len(asked_steps()) == 1)
    [finished] = slower.answered[answered:]
    kill_workers(busy, slower)
    wait_until(lambda: statuses(busy, [accepted]) == ["completed"])
    asked = slower.prompts[before:]
    assert asked.count(finished) == 1
    # The two that were under way were asked again, what came after them once.
    under_way = [prompt for prompt in asked[:TOGETHER] if prompt != finished]
    assert [asked.count(prompt) for prompt in under_way] == [2, 2]
    assert len(asked) == len(asked_steps()) + 2


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
    wait_until(lambda: slower.asked == before + TOGETHER)
    busy.member("gunicorn").kill()
    slower.seconds = ANSWER_SECONDS
    caller.join(timeout=60)
    assert ends, "the caller was answered by a process that was killed"
    busy.wait_for("web ended .* starting it again")
    wait_until(lambda: busy.call("/api/health/live")[0] == 200)
    [newest] = busy.call("/api/executions?limit=1")[1]["results"]
    url = f"/api/executions/{newest['id']}"
    wait_until(lambda: busy.call(url)[1]["status"] == "completed")
    steps = busy.call(url)[1]["steps"]
    # What was under way when the process died was asked again, and nothing else.
    assert slower.asked - before <= TOGETHER + len([step for step in steps if step["model"]])
