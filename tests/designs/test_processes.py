"""A value for each process: made once, and again in a forked child."""

from __future__ import annotations

import os
import threading
import time

import pytest

from designs.runtime.processes import PerProcess


def test_it_is_made_once_whichever_thread_comes_first() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        time.sleep(0.05)
        made.append(number)
        return number

    values = PerProcess(make)
    assert values.existing() is None
    threads = [threading.Thread(target=values.get, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [values.existing()] == [values.get(9)]


def test_another_process_makes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    values = PerProcess(object)
    ours = values.get()
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        assert values.existing() is None
        assert values.get() is not ours
    assert values.get() is ours
