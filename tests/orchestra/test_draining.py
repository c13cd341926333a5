"""Processes that are told to end lose nothing: they finish, answer, and hand over."""

from __future__ import annotations

import signal
import threading

import pytest

from tests.installations import Installation
from tests.orchestra.conftest import ANSWER_SECONDS
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("installations")

CALLERS = 4
# So long an answer is waited for by nobody who is told to end.
NEVER_SECONDS = 60.0
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


def end(*processes):
    """Tell the processes to end, and wait for that."""
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait(timeout=NEVER_SECONDS / 2)


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
            end(busy.member(name))
            wait_until(lambda name=name: is_there(busy, name))
            wait_until(lambda n=answered: len(callers.answers) > n + CALLERS)
    assert not callers.errors
    assert {status for status, _ in callers.answers} <= {200, 202}
    later = [answer for status, answer in callers.answers if status == 202]
    wait_until(lambda: {status_of(busy, one) for one in later} <= {"completed"})


def test_who_is_told_to_end_answers_who_waits_and_hands_its_runs_over(busy, slow):
    answers = []
    _, queued = call(busy, Prefer="respond-async")
    slow.seconds = NEVER_SECONDS
    before = slow.asked
    caller = threading.Thread(target=lambda: answers.append(call(busy)))
    caller.start()
    wait_until(lambda: status_of(busy, queued) == "running" and slow.asked > before)
    end(*(busy.member(name) for name in ("gunicorn", *WORKERS)))
    slow.seconds = ANSWER_SECONDS
    caller.join(timeout=60)
    [(status, waited_for)] = answers
    assert status == 202
    # The answer that takes so long is not waited for by anybody any more.
    for one in (waited_for, queued):
        wait_until(lambda one=one: status_of(busy, one) == "completed")
    for name in ("web", "worker-1", "worker-2"):
        busy.wait_for(f"^{name} ended .exit code 0")
