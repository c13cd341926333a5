"""What is computed in a thread has a time of its own, and ends with whoever asked for it."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

from designs.graph import meter
from designs.graph.expressions import Expression, Template
from designs.graph.meter import MAX_SECONDS, Allowance, Overrun
from designs.runtime.computing import THREADS, compute
from executor.engine.evaluation import Evaluation
from tests.executor.engine.test_evaluation import DEAR, GIVEN, TEXT


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Of all meters; it stands still until `now` is changed."""
    made = SimpleNamespace(now=100.0)
    made.monotonic = lambda: made.now
    monkeypatch.setattr(meter, "time", made)
    return made


async def test_a_cancelled_run_leaves_no_evaluation_behind() -> None:
    evaluation = Evaluation(Allowance.of_run())
    template = Template.compile(TEXT)
    work = asyncio.create_task(evaluation.run(template, {"input": GIVEN}))
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    # The two threads take what comes next only when they are free.
    for _ in range(2):
        assert await evaluation.run_in_thread(int) == 0


async def test_waiting_for_a_thread_takes_none_of_its_time(clock: SimpleNamespace) -> None:
    is_free = threading.Event()
    busy = [asyncio.create_task(compute(is_free.wait, 60)) for _ in range(THREADS)]
    await asyncio.sleep(0)
    evaluation = Evaluation(Allowance.of_run())
    work = asyncio.create_task(evaluation.run(Expression.compile(DEAR), {"input": GIVEN}))
    await asyncio.sleep(0)
    clock.now += 3600
    is_free.set()
    assert await work == len(GIVEN["x"])
    await asyncio.gather(*busy)


def test_a_meter_ends_by_the_clock_and_when_it_is_told_to(clock: SimpleNamespace) -> None:
    late = Allowance.of_run().meter()
    late.begin()
    clock.now += MAX_SECONDS
    late.step(1)
    clock.now += 0.1
    with pytest.raises(Overrun, match="takes longer than 10 seconds"):
        late.step(1)
    stopped = Allowance.of_run().meter()
    stopped.step(1)
    stopped.stop()
    # Its thread may begin after that.
    stopped.begin()
    with pytest.raises(Overrun):
        stopped.step(1)
