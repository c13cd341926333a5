"""A process goes on learning which keys to mask, whatever happens to it meanwhile."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from executor import known_secrets
from tests.waiting import wait_until


def test_the_thread_that_learns_keys_never_ends_in_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [OperationalError("away"), RuntimeError("a fault of ours"), ValueError("another")]
    learnt: list[int] = []
    enough = threading.Event()

    def learn() -> None:
        learnt.append(len(learnt))
        if faults:
            raise faults.pop(0)
        if len(learnt) > 20:
            enough.wait()

    monkeypatch.setattr(known_secrets, "learn_keys", learn)
    monkeypatch.setattr(known_secrets, "AGAIN_SECONDS", 0.0)
    thread = threading.Thread(target=known_secrets._work, daemon=True)
    thread.start()
    wait_until(lambda: len(learnt) > 20)
    assert thread.is_alive()
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 2
    assert all("could not be learnt" in sentence for sentence in told)
    # It stays at work, harmless, until the tests end.
