"""The breaker: when it opens, for how long, what it lets through, and what closes it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from executor.engine.breaker import Breaker, GuardedModel
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest

REQUEST = ModelRequest("run:key", "", (), "answer", "worker")
NAME = "vllm:small"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """A model that fails as it is told; `calls` counts those that reached it."""

    name = NAME

    def __init__(self) -> None:
        self.fails: ErrorKind | Exception | None = None
        self.calls = 0
        self.gate: asyncio.Event | None = None

    async def has_price(self) -> bool:
        return True

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        self.calls += 1
        fails = self.fails
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(fails, ErrorKind):
            raise ModelError(fails, "the words of somebody's prompt")
        if fails is not None:
            raise fails
        return ModelAnswer("yes", self.name)


class Stage:
    """A guarded model, its server, its clock, and the pauses it told of."""

    def __init__(self) -> None:
        self.clock, self.server = Clock(), Server()
        self.pauses: list[float] = []
        breaker = Breaker(NAME, clock=self.clock, on_open=lambda *told: self.pauses.append(told[1]))
        self.model = GuardedModel(self.server, breaker)

    async def call(self, fails: ErrorKind | Exception | None = None) -> ErrorKind | None:
        self.server.fails = fails
        try:
            await self.model.complete(REQUEST)
        except ModelError as error:
            return error.kind
        return None

    async def calls(self, *outcomes: ErrorKind | None) -> None:
        for outcome in outcomes:
            assert await self.call(outcome) == outcome

    async def is_refused(self) -> bool:
        heard = self.server.calls
        refused = await self.call() is ErrorKind.UNAVAILABLE
        assert refused == (self.server.calls == heard)
        return refused


@pytest.fixture
def stage() -> Stage:
    return Stage()


TRANSIENT, TIMEOUT = ErrorKind.TRANSIENT, ErrorKind.TIMEOUT


async def test_it_opens_at_the_fifth_failure_of_the_last_ten(stage: Stage) -> None:
    await stage.calls(*(TRANSIENT, None) * 4, TIMEOUT)
    assert await stage.is_refused()
    assert stage.pauses == [30.0]


async def test_failures_that_are_further_back_do_not_count(stage: Stage) -> None:
    await stage.calls(*(TRANSIENT,) * 4, *(None,) * 7, *(TRANSIENT,) * 3)
    assert not await stage.is_refused()
    assert stage.pauses == []


@pytest.mark.parametrize("kind", [ErrorKind.RATE_LIMIT, ErrorKind.REQUEST, ErrorKind.CONTENT])
async def test_what_a_working_server_says_is_no_failure(stage: Stage, kind: ErrorKind) -> None:
    await stage.calls(*(kind,) * 20)
    assert not await stage.is_refused()


@pytest.mark.parametrize("kind", [ErrorKind.QUOTA, ErrorKind.CREDENTIAL])
async def test_money_and_key_open_it_at_once(stage: Stage, kind: ErrorKind) -> None:
    await stage.calls(None, kind)
    assert await stage.is_refused()


async def test_the_refusal_says_why_and_how_long_and_nothing_of_other_calls(stage: Stage) -> None:
    await stage.calls(ErrorKind.CREDENTIAL)
    stage.clock.now += 28.5
    with pytest.raises(ModelError) as caught:
        await stage.model.complete(REQUEST)
    assert caught.value.kind is ErrorKind.UNAVAILABLE
    assert caught.value.message == (
        "vllm:small: left alone for 2 more seconds, because the server refuses the key; check it."
    )


async def test_pauses_double_up_to_ten_minutes_and_begin_anew_after_a_success(stage: Stage) -> None:
    await stage.calls(ErrorKind.QUOTA)
    for _ in range(1100):
        stage.clock.now += stage.pauses[-1]
        await stage.calls(TRANSIENT)
    assert stage.pauses[:7] == [30, 60, 120, 240, 480, 600, 600]
    assert stage.pauses[-1] == 600
    stage.clock.now += 599
    assert await stage.is_refused()
    stage.clock.now += 1
    await stage.calls(None, *(TRANSIENT,) * 5)
    assert stage.pauses[-1] == 30


async def test_half_open_lets_one_call_through(stage: Stage) -> None:
    await stage.calls(ErrorKind.QUOTA)
    stage.clock.now += 30
    stage.server.gate = asyncio.Event()
    first = asyncio.create_task(stage.call())
    await asyncio.sleep(0)
    others = [await stage.call() for _ in range(5)]
    assert others == [ErrorKind.UNAVAILABLE] * 5
    stage.server.gate.set()
    assert await first is None
    assert stage.server.calls == 2
    assert not await stage.is_refused()


async def test_a_cancelled_trial_leaves_the_place_to_the_next(stage: Stage) -> None:
    await stage.calls(ErrorKind.QUOTA)
    stage.clock.now += 30
    stage.server.gate = asyncio.Event()
    trial = asyncio.create_task(stage.call())
    await asyncio.sleep(0)
    trial.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trial
    stage.server.gate = None
    assert await stage.call() is None
    with pytest.raises(RuntimeError):
        await stage.call(RuntimeError("a fault of ours"))
    assert not await stage.is_refused()


async def test_calls_from_before_it_opened_do_not_close_it(stage: Stage) -> None:
    stage.server.gate = asyncio.Event()
    slow = [asyncio.create_task(stage.call()) for _ in range(3)]
    await asyncio.sleep(0)
    gate, stage.server.gate = stage.server.gate, None
    await stage.calls(ErrorKind.CREDENTIAL)
    gate.set()
    assert await asyncio.gather(*slow) == [None] * 3
    assert await stage.is_refused()


async def test_who_knows_better_ends_the_pause(stage: Stage) -> None:
    await stage.calls(ErrorKind.CREDENTIAL)
    stage.model.breaker.end_pause()
    await stage.calls(ErrorKind.CREDENTIAL)
    assert stage.pauses == [30, 60]
    stage.model.breaker.end_pause()
    await stage.calls(None)


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_it_is_never_stuck(stage: Stage, seed: int) -> None:
    """After any history, a server that answers is asked again within ten minutes."""
    chance = random.Random(seed)
    outcomes = [None, *ErrorKind]
    for _ in range(200):
        await stage.call(chance.choice(outcomes))
        stage.clock.now += chance.choice([0, 1, 45, 700])
    stage.clock.now += 600
    assert await stage.call() is None
    assert not await stage.is_refused()
