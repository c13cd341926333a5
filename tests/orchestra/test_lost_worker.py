"""A process that is killed in the middle of runs loses nothing that was accepted."""

from __future__ import annotations

import http.client
import threading
import time
from urllib.parse import urlsplit

import pytest

from tests.installations import running
from tests.slow_model import slow_model

pytestmark = pytest.mark.xdist_group("installations")

RUNS = 6
ANSWER_SECONDS = 0.4


@pytest.fixture(scope="module")
def model():
    with slow_model(ANSWER_SECONDS) as found:
        yield found


@pytest.fixture(scope="module")
def installation(model, tmp_path_factory):
    with running(
        tmp_path_factory.mktemp("lost") / "data",
        ORCHESTRA_MODEL="",
        ORCHESTRA_LLM_URL=model.url,
        ORCHESTRA_LLM_MODEL="slow",
        ORCHESTRA_LEASE_SECONDS="2",
    ) as found:
        yield found


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def statuses(installation, accepted):
    return [installation.call(urlsplit(one["status_url"]).path)[1]["status"] for one in accepted]


def test_every_run_of_a_killed_worker_ends_well(installation, model):
    path, _, example = installation.sample
    accepted = []
    for _ in range(RUNS):
        status, answer = installation.call(path, example, Prefer="respond-async")
        assert status == 202
        accepted.append(answer)
    # Some steps are done and some are under way: the middle.
    wait_until(lambda: len(model.answered) > RUNS, seconds=30)
    before = statuses(installation, accepted)
    assert "running" in before
    installation.member("worker").kill()
    installation.wait_for("worker-1 ended .*signal 9.* starting it again")
    wait_until(
        lambda: set(statuses(installation, accepted)) == {"completed"},
        seconds=60,
    )
    for one in accepted:
        _, log = installation.call(urlsplit(one["status_url"]).path)
        assert log["result_data"] is not None
        assert log["error"] is None


def test_what_a_killed_web_process_carried_goes_on_in_a_worker(installation, model):
    path, _, example = installation.sample
    ends = []

    def call():
        try:
            installation.call(path, example)
        except (OSError, http.client.HTTPException) as error:
            ends.append(error)

    before = model.asked
    caller = threading.Thread(target=call)
    caller.start()
    wait_until(lambda: model.asked > before + 1, seconds=30)
    installation.member("gunicorn").kill()
    caller.join(timeout=30)
    assert ends, "the caller was answered by a process that was killed"
    installation.wait_for("web ended .* starting it again")
    wait_until(lambda: installation.call("/api/health/live")[0] == 200, seconds=30)
    [newest] = installation.call("/api/executions?limit=1")[1]["results"]
    url = f"/api/executions/{newest['id']}"
    wait_until(lambda: installation.call(url)[1]["status"] == "completed", seconds=60)
    steps = installation.call(url)[1]["steps"]
    # One call was under way when the process died, and was made again.
    assert model.asked - before <= len([step for step in steps if step["model"]]) + 1
