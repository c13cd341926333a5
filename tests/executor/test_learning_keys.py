"""A process goes on learning which keys to mask, whatever happens to it meanwhile."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from designs.runtime import background
from executor.language_models import key_masking
from tests.waiting import wait_until


def test_the_thread_that_learns_keys_never_ends_in_silence(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [OperationalError("away"), RuntimeError("a fault of ours"), ValueError("another")]
    learnt: list[int] = []

    def learn() -> None:
        learnt.append(len(learnt))
        if faults:
            raise faults.pop(0)

    monkeypatch.setattr(key_masking, "learn_default", lambda: None)
    monkeypatch.setattr(key_masking, "learn_keys", learn)
    monkeypatch.setattr(key_masking, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(background, "PAUSE_AFTER_ERROR_SECONDS", 0.0)
    stop = background.forever("known secrets", key_masking._work)
    try:
        wait_until(lambda: len(learnt) > 20)
    finally:
        stop.set()
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 2
    assert all("Error in the known secrets thread" in sentence for sentence in told)
