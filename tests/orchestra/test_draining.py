"""Processes that are told to end lose nothing: they finish, answer, and hand over."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from urllib.parse import urlsplit

import psutil
import pytest

from tests.installations import Installation, running
from tests.slow_model import slow_model

pytestmark = pytest.mark.xdist_group("installations")

CALLERS = 4


@pytest.fixture(scope="module")
def model():
    with slow_model(0.3) as found:
        yield found


@pytest.fixture(scope="module")
def installation(model, tmp_path_factory):
    with running(
        tmp_path_factory.mktemp("draining") / "data",
        ORCHESTRA_MODEL="",
        ORCHESTRA_LLM_URL=model.url,
        ORCHESTRA_LLM_MODEL="slow",
        ORCHESTRA_WEB_PROCESSES="2",
        ORCHESTRA_WORKERS="2",
    ) as found:
        # The first call of a process loads the model's client, which is nothing to measure.
        call(found)
        yield found


def call(found: Installation, **headers: str):
    path, _, example = found.sample
    return found.call(path, example, **headers)


def log_of(found: Installation, answer):
    return found.call(f"/api/executions/{answer['log_id']}")[1]


def wait_until(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_there(found: Installation, name):
    for one in found.family():
        with contextlib.suppress(psutil.Error):
            if name in one.cmdline():
                return True
    return False


def ended_after(*processes):
    """How many seconds the processes take to end when they are told to."""
    began = time.monotonic()
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=30)
    return time.monotonic() - began


class Callers:
    """Call all the time, each the next when the last is answered."""

    def __init__(self, found: Installation) -> None:
        self.found = found
        self.answers: list[tuple[int, dict]] = []
        self.errors: list[Exception] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work) for _ in range(CALLERS)]

    def work(self) -> None:
        while not self.over.is_set():
            try:
                self.answers.append(call(self.found))
            except Exception as error:  # noqa: BLE001 - what went wrong is asserted on
                self.errors.append(error)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(timeout=60)


def test_a_rolling_restart_fails_no_call(installation):
    with Callers(installation) as callers:
        for name in ("gunicorn", "worker-1@%h", "worker-2@%h"):
            wait_until(lambda: callers.answers, seconds=30)
            ended_after(installation.member(name))
            wait_until(lambda name=name: is_there(installation, name), seconds=10)
            time.sleep(2)
    assert not callers.errors
    assert {status for status, _ in callers.answers} <= {200, 202}
    assert len(callers.answers) > 10
    later = [answer for status, answer in callers.answers if status == 202]
    wait_until(
        lambda: all(log_of(installation, one)["status"] == "completed" for one in later), seconds=30
    )


def test_a_web_process_that_ends_answers_who_waits_and_hands_the_run_over(installation, model):
    answers = []
    model.seconds = 8.0
    caller = threading.Thread(target=lambda: answers.append(call(installation)))
    caller.start()
    wait_until(lambda: model.asked > len(model.answered), seconds=10)
    assert ended_after(installation.member("gunicorn")) < 10
    caller.join(timeout=10)
    model.seconds = 0.3
    [(status, answer)] = answers
    assert status == 202
    wait_until(lambda: log_of(installation, answer)["status"] == "completed", seconds=30)


def test_a_worker_that_ends_hands_its_runs_over_at_once(installation, model):
    model.seconds = 20.0
    _, answer = call(installation, Prefer="respond-async")
    path = urlsplit(answer["status_url"]).path
    wait_until(lambda: installation.call(path)[1]["status"] == "running", seconds=15)
    wait_until(lambda: model.asked > len(model.answered), seconds=10)
    model.seconds = 0.3
    workers = [installation.member(name) for name in ("worker-1@%h", "worker-2@%h")]
    assert ended_after(*workers) < 14
    wait_until(lambda: installation.call(path)[1]["status"] == "completed", seconds=40)
    assert "exit code 0" in installation.wait_for("worker-1 ended")
