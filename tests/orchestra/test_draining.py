"""Processes that are told to end lose nothing: they finish, answer, and hand over."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from tests.installations import Installation
from tests.orchestra.conftest import ANSWER_SECONDS, wait_until

pytestmark = pytest.mark.xdist_group("installations")

CALLERS = 4
WORKERS = ("worker-1@%h", "worker-2@%h")


def call(found: Installation, **headers: str):
    path, _, example = found.sample
    return found.call(path, example, **headers)


def status_of(found: Installation, answer):
    return found.call(f"/api/executions/{answer['log_id']}")[1]["status"]


def is_there(found: Installation, name):
    try:
        return found.member(name)
    except AssertionError:
        return None


def ended_after(*processes):
    """How many seconds each of the processes takes to end when they are told to."""
    began, took = time.monotonic(), []
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=30)
        took.append(time.monotonic() - began)
    return took


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


def test_a_rolling_restart_fails_no_call(busy):
    with Callers(busy) as callers:
        for name in ("gunicorn", *WORKERS):
            answered = len(callers.answers)
            ended_after(busy.member(name))
            wait_until(lambda name=name: is_there(busy, name), seconds=10)
            wait_until(lambda n=answered: len(callers.answers) > n + CALLERS, seconds=30)
    assert not callers.errors
    assert {status for status, _ in callers.answers} <= {200, 202}
    later = [answer for status, answer in callers.answers if status == 202]
    wait_until(lambda: {status_of(busy, one) for one in later} <= {"completed"}, seconds=30)


def test_who_is_told_to_end_answers_who_waits_and_hands_its_runs_over(busy, slow):
    answers = []
    _, queued = call(busy, Prefer="respond-async")
    slow.seconds = 12.0
    before = slow.asked
    caller = threading.Thread(target=lambda: answers.append(call(busy)))
    caller.start()
    wait_until(lambda: status_of(busy, queued) == "running" and slow.asked > before, seconds=20)
    web, *workers = ended_after(*(busy.member(name) for name in ("gunicorn", *WORKERS)))
    slow.seconds = ANSWER_SECONDS
    assert web < 10
    assert max(workers) < 14
    caller.join(timeout=10)
    [(status, waited_for)] = answers
    assert status == 202
    # The answer that takes so long is not waited for by anybody any more.
    for one in (waited_for, queued):
        wait_until(lambda one=one: status_of(busy, one) == "completed", seconds=30)
    for name in ("web", "worker-1", "worker-2"):
        busy.wait_for(f"^{name} ended .exit code 0")
