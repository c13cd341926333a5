"""Models that do what a test wrote for them, and runs of small designs with them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from designs.patterns.catalogue import check_document
from executor.engine.context import Outcome, Setup, Timing
from executor.engine.events import BlockChanged, Event, StepFinished
from executor.engine.journal import Journal
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.structured import parsed_value
from executor.engine.runner import CompiledGraph, compile_graph, run_graph
from tests.memory_journal import MemoryJournal

NAME = "stage:model"

# A text, an answer, an error, a function of the request (awaited if need be), or one for each try.
Line = Any


def down(kind: ErrorKind = ErrorKind.TRANSIENT, *, after: float | None = None) -> ModelError:
    return ModelError(kind, "it is down.", retry_after=after)


@dataclass
class Stage:
    """A provider whose models say what `says` has for a step.

    It is looked up by the model's name with the step's key, the key, block/agent, agent, block,
    model; steps without a line are answered with their own key. With a `seed` answers come in
    another order. `log` has "start", "end" or "stopped" with each call's key, as it happened.
    """

    says: Mapping[str, Line] = field(default_factory=dict)
    seconds: float = 0.0
    seed: int | None = None
    missing: frozenset[str] = frozenset()
    has_price: bool = True
    log: list[tuple[str, str]] = field(default_factory=list)
    requests: list[ModelRequest] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0

    def resolve(self, name: str) -> Actor:
        if name in self.missing:
            raise ModelError(ErrorKind.UNAVAILABLE, f"There is no model '{name}'.")
        return Actor(self, name)

    @property
    def calls(self) -> list[str]:
        """The keys of the steps, in the order of the calls."""
        return [key for _, key in self.asked]

    def prompt(self, key: str) -> dict[str, Any]:
        """The last prompt of a step, by the parts' labels; "system" is the system prompt."""
        request = next(r for r in reversed(self.requests) if r.call_key.endswith(f":{key}"))
        parts = {part.label: part.value for part in request.parts}
        return {"system": request.system, **parts}

    def line(self, model: str, key: str) -> Line:
        block, who, _, _ = key.split("/")
        names = (f"{model} {key}", key, f"{block}/{who}", who, block, model)
        return next((self.says[name] for name in names if name in self.says), key)


@dataclass(frozen=True)
class Actor:
    """One model of a stage."""

    stage: Stage
    name: str

    async def has_price(self) -> bool:
        return self.stage.has_price

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        stage, key = self.stage, request.call_key.partition(":")[2]
        request.on_sent()
        stage.asked.append((self.name, key))
        stage.requests.append(request)
        stage.log.append(("start", key))
        stage.busy += 1
        stage.most_busy = max(stage.most_busy, stage.busy)
        try:
            await self._think(key)
            answer = await self._answer(stage.line(self.name, key), key, request)
        except asyncio.CancelledError:
            stage.log.append(("stopped", key))
            raise
        finally:
            stage.busy -= 1
        stage.log.append(("end", key))
        if on_delta is not None:
            for word in answer.text.split(" "):
                on_delta(f"{word} ")
        return answer

    async def _think(self, key: str) -> None:
        if self.stage.seconds:
            await asyncio.sleep(self.stage.seconds)
        seed = self.stage.seed
        for _ in range(1 if seed is None else random.Random(f"{seed} {key}").randrange(1, 20)):
            await asyncio.sleep(0)

    async def _answer(self, line: Line, key: str, request: ModelRequest) -> ModelAnswer:
        if isinstance(line, list):
            line = line[min(self.stage.asked.count((self.name, key)), len(line)) - 1]
        if callable(line):
            line = line(request)
        if isinstance(line, Awaitable):
            line = await line
        if isinstance(line, BaseException):
            raise line
        answer = line if isinstance(line, ModelAnswer) else answer_of(line)
        value = None if request.schema is None else parsed_value(answer, request.schema)
        return replace(answer, model=self.name, value=value)


def answer_of(text: str, tokens: int = 10, cost: str | None = None) -> ModelAnswer:
    """Half of the tokens are input."""
    price = None if cost is None else Decimal(cost)
    return ModelAnswer(text, NAME, None, tokens // 2, tokens - tokens // 2, price)


@dataclass
class Played:
    """A run that has ended."""

    outcome: Outcome
    stage: Stage
    journal: Journal
    events: list[Event]
    waits: list[float]

    @property
    def result(self) -> Any:
        assert self.outcome.status == "completed", self.outcome.error
        return self.outcome.result

    @property
    def error(self) -> tuple[str, str]:
        """Kind and sentence of why it did not complete."""
        assert self.outcome.error is not None
        assert (self.outcome.status != "completed", self.outcome.result) == (True, None)
        return self.outcome.error.kind, self.outcome.error.message

    @property
    def statuses(self) -> dict[str, str]:
        """The last status of each block."""
        return {e.block_id: e.status for e in self.events if isinstance(e, BlockChanged)}

    @property
    def finished(self) -> list[str]:
        """Keys of the steps that ended, in order."""
        return [event.step.key for event in self.events if isinstance(event, StepFinished)]


def compiled(raw: dict[str, Any]) -> CompiledGraph:
    checked = check_document(raw)
    assert checked.graph is not None, checked.problems
    return compile_graph(checked.graph)


async def play(
    raw: dict[str, Any] | CompiledGraph,
    stage: Stage | Mapping[str, Line] | None = None,
    *,
    given: Any = None,
    **changes: Any,
) -> Played:
    """Check, compile and run a document through the real engine; `changes` are those of Setup.

    Nobody really waits between tries: every wait is noted, and chance gives the longest.
    """
    stage = stage if isinstance(stage, Stage) else Stage(stage or {})
    graph = raw if isinstance(raw, CompiledGraph) else compiled(raw)
    events: list[Event] = []
    waits: list[float] = []
    ticks = itertools.count(1_000_000)

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    usual: dict[str, Any] = {
        "execution_id": "run",
        "facts": {"id": "run", "trigger": "manual", "started_at": "2026-01-01T00:00:00Z"},
        "models": stage,
        "default_models": (NAME,),
        "journal": MemoryJournal(),
        "emit": events.append,
        "timing": Timing(now=lambda: float(next(ticks)), sleep=wait, random=lambda: 1.0),
    }
    setup = Setup(**{**usual, **changes})
    outcome = await run_graph(graph, {} if given is None else given, setup)
    return Played(outcome, stage, setup.journal, events, waits)
