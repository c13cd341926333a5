"""A worker that is killed in the middle of runs loses nothing that was accepted."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from tests.installations import running
from tests.slow_model import slow_model

pytestmark = pytest.mark.xdist_group("installations")

RUNS = 6
ANSWER_SECONDS = 0.4


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def statuses(installation, accepted):
    return [installation.call(urlsplit(one["status_url"]).path)[1]["status"] for one in accepted]


def test_every_accepted_run_ends_well(tmp_path):
    with (
        slow_model(ANSWER_SECONDS) as model,
        running(
            tmp_path / "data",
            ORCHESTRA_MODEL="",
            ORCHESTRA_LLM_URL=model.url,
            ORCHESTRA_LLM_MODEL="slow",
            ORCHESTRA_LEASE_SECONDS="2",
        ) as installation,
    ):
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
