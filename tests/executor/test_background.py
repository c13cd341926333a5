"""Threads of the background end for no error, and say what they met."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from designs.outgoing.name_lookups import NameLookups
from designs.runtime import background
from executor.recording.writer import Write, Writer
from executor.running.worker import process_loop
from tests.waiting import wait_until

# Those of look-ups come and go with the questions, in an app that knows no background.
OWN = {"designs/runtime/background.py", "designs/outgoing/name_lookups.py"}


class Said(Write[str]):
    @classmethod
    def apply(cls, writes: Any) -> list[str]:
        return ["written"] * len(writes)


def test_every_thread_is_begun_in_one_place() -> None:
    root = Path(settings.BASE_DIR)
    found = {
        str(path.relative_to(root))
        for app in ("designs", "executor", "deployments", "orchestra")
        for path in (root / app).rglob("*.py")
        if "threading.Thread(" in path.read_text()
    }
    assert found == OWN


def test_what_is_done_once_says_what_it_met(caplog: pytest.LogCaptureFixture) -> None:
    def work() -> None:
        raise RuntimeError("no such module")

    background.once("loads", work).join()
    assert "Error in the loads thread" in caplog.text
    assert "no such module" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_the_writer_goes_on_after_a_write_that_cannot_be_begun() -> None:
    writer = Writer()
    try:
        odd = Said()
        # Begun already: whatever brings a future there, the next write is written.
        odd.done.set_running_or_notify_cancel()
        writer.submit(odd)
        assert isinstance(odd.done.exception(60), Exception)
        assert writer.submit(Said()).result(60) == "written"
    finally:
        writer.stop()
    assert writer._has_ended.is_set()


def test_the_loop_of_executions_goes_on_after_it_was_stopped() -> None:
    loop = process_loop()
    loop.call_soon_threadsafe(loop.stop)

    async def answer() -> int:
        return 1

    assert asyncio.run_coroutine_threadsafe(answer(), loop).result(60) == 1


def test_a_thread_of_look_ups_that_broke_is_replaced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = NameLookups(threads=1)

    def broken() -> None:
        raise RuntimeError("broken")

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
        patch.setattr(names, "_answer_all", broken)
        names._ask("localhost", 80)
        wait_until(lambda: "Error in the names thread" in caplog.text)
    wait_until(lambda: names._running == 0)
    assert "127.0.0.1" in names._ask("127.0.0.1", 80).future.result(60)
