"""Kills runs with tools at random named points, and counts what happened twice.

`python -m tests.faults.tool_kills 1000` kills so often. A kill is one in this process: whatever had
not been written by then is lost, and what was under way has no more effect.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from designs.patterns.catalogue import check_document
from executor.engine.context import Outcome, Setup, Timing
from executor.engine.journal import StepResult
from executor.engine.llm.base import ModelAnswer, ModelRequest
from executor.engine.llm.tool_use import ToolCall
from executor.engine.runner import CompiledGraph, compile_graph, run_graph
from executor.engine.tools import OfferedTool, ToolResult
from tests.fake_tools import tool
from tests.memory_journal import MemoryJournal
from tests.scripted import agent, block, design

AGENTS = ("ana", "ben", "cem")
TOOLS = (
    tool("crm.read"),
    tool("crm.put", "idempotent"),
    tool("crm.pay", "once"),
    tool("crm.send", "once", approval="always"),
)
TURNS = (
    (("crm.read", {"n": 1}), ("crm.put", {"n": 2})),
    (("crm.pay", {"n": 3}), ("crm.send", {"n": 4}), ("crm.read", {"n": 5})),
    (("crm.pay", {"n": 6}),),
)


@dataclass
class World:
    """What stays when a process dies: the journal, the effects, and what people said."""

    journal: MemoryJournal = field(default_factory=MemoryJournal)
    effects: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    decisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    questions: int = 0
    kills: int = 0
    # Recorded steps that were made again.
    again: list[str] = field(default_factory=list)

    def decide(self, outcome: Outcome) -> None:
        """People answer truly: they look what came of a call."""
        for need in outcome.needs:
            self.questions += 1
            key = need.key.partition("/outcome.")[0]
            if need.kind == "tool_call":
                self.decisions[need.key] = {"decision": "approved", "by": "eve"}
            elif self.effects[key]:
                self.decisions[need.key] = {"decision": "done", "result": result_of(key)}
            else:
                self.decisions[need.key] = {"decision": "again", "by": "eve"}


class Life:
    """One process: it dies at the point `dies_at`, or never."""

    def __init__(self, world: World, dies_at: int | None) -> None:
        self.world = world
        self.dies_at = dies_at
        self.points = 0
        self.is_dead = False
        self.task: asyncio.Task[Outcome] | None = None

    async def reach(self, name: str) -> None:
        """A named point. Nothing comes after the one at which it dies."""
        if not self.is_dead:
            self.points += 1
            if self.points == self.dies_at:
                self.is_dead = True
                self.world.kills += 1
                assert self.task is not None
                self.task.cancel()
        if self.is_dead:
            raise asyncio.CancelledError

    async def live(self, graph: CompiledGraph) -> Outcome | None:
        self.task = asyncio.ensure_future(run_graph(graph, {}, self.setup()))
        try:
            return await self.task
        except asyncio.CancelledError:
            if not self.is_dead:
                raise
            return None

    def setup(self) -> Setup:
        return Setup(
            execution_id="run",
            facts={},
            models=Model(self),
            default_models=("killed:model",),
            journal=Journal(self),
            emit=lambda event: None,
            timing=Timing(sleep=lambda seconds: asyncio.sleep(0), random=lambda: 0.0),
            decisions=dict(self.world.decisions),
            tools=Tools(self),
            root_execution="root",
        )


class Journal:
    def __init__(self, life: Life) -> None:
        self._life = life
        # What is known at the start.
        self._kept = MemoryJournal(dict(life.world.journal.steps))
        self._intended = Counter(life.world.journal.intended)
        self.recall, self.recall_failed = self._kept.recall, self._kept.recall_failed
        self.recorded = self._kept.recorded

    def record(self, step: StepResult) -> Awaitable[None] | None:
        return self._store(step) if step.model is not None or step.tool is not None else None

    async def _store(self, step: StepResult) -> None:
        await self._life.reach("record.before")
        steps = self._life.world.journal.steps
        if step.key in steps and steps[step.key].status == "completed":
            self._life.world.again.append(step.key)
        steps[step.key] = step
        await self._life.reach("record.after")

    async def intend(self, key: str, tool: str) -> int:
        await self._life.reach("intent.before")
        self._life.world.journal.intended[key] += 1
        self._intended[key] += 1
        await self._life.reach("intent.after")
        return self._intended[key]

    def intents(self, key: str) -> int:
        return self._intended[key]


class Tools:
    """A server: what is done once with a key is not done again with it where the tool says so."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        # As one that reads rows: several calls ask at once.
        await asyncio.sleep(0)
        return {one.name: one for one in TOOLS}

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        world, key = self._life.world, idempotency_key.partition(":")[2]
        await self._life.reach("call.before")
        world.calls[tool.effect] += 1
        is_kept = tool.effect == "idempotent" and world.effects[key]
        if tool.effect != "read" and not is_kept:
            world.effects[key] += 1
        await self._life.reach("call.done")
        return ToolResult(result_of(key))


class Model:
    """Calls the tools turn by turn; its answer is all that it read."""

    name = "killed:model"

    def __init__(self, life: Life) -> None:
        self._life = life

    def resolve(self, name: str) -> Model:
        return self

    async def has_price(self) -> bool:
        return True

    async def complete(self, request: ModelRequest, on_delta: Any = None) -> ModelAnswer:
        request.on_sent()
        key = request.call_key.partition(":")[2]
        if self._life.world.journal.recall(key) is not None:
            self._life.world.again.append(key)
        await self._life.reach("model")
        turns = request.tool_use.turns if request.tool_use is not None else ()
        if len(turns) < len(TURNS):
            made = tuple(ToolCall(f"c{n}", *one) for n, one in enumerate(TURNS[len(turns)]))
            return ModelAnswer("", self.name, calls=made, input_tokens=1, output_tokens=1)
        read = [list(turn.results) for turn in turns]
        return ModelAnswer(json.dumps(read), self.name, input_tokens=1, output_tokens=1)


def result_of(key: str) -> str:
    """What the call of a step gives, however often it is made."""
    return f"result of {key}"


def graph() -> CompiledGraph:
    agents = [agent(name, tools=[one.name for one in TOOLS]) for name in AGENTS]
    checked = check_document(design(block("parallel", *agents))).graph
    assert checked is not None
    return compile_graph(checked)


@dataclass(frozen=True)
class Ended:
    outcome: Outcome
    world: World
    points: int


async def run_with_kills(compiled: CompiledGraph, choose: Callable[[World], int | None]) -> Ended:
    """Lives follow each other until the run has ended. `choose` says where the next one dies."""
    world, points = World(), 0
    while True:
        life = Life(world, choose(world))
        outcome = await life.live(compiled)
        points += life.points
        if outcome is not None and outcome.status != "waiting":
            return Ended(outcome, world, points)
        if outcome is not None:
            world.decide(outcome)


async def random_runs(least_kills: int, seed: int = 1) -> Mapping[str, int]:
    """Figures of runs that were killed so often altogether. Raises AssertionError for a wrong one.

    Each is killed up to seven times.
    """
    compiled, chance = graph(), random.Random(seed)
    plain = await run_with_kills(compiled, lambda world: None)
    figures: Counter[str] = Counter()
    while figures["kills"] < least_kills:
        most = chance.randrange(1, 8)

        def choose(world: World, most: int = most) -> int | None:
            return chance.randrange(1, plain.points) if world.kills < most else None

        ended = await run_with_kills(compiled, choose)
        check(ended, plain)
        figures["runs"] += 1
        figures["kills"] += ended.world.kills
        figures["questions"] += ended.world.questions
    return figures


async def every_point() -> int:
    """Kills a run once at each of its points. Returns how many there are."""
    compiled = graph()
    plain = await run_with_kills(compiled, lambda world: None)
    for point in range(1, plain.points + 1):

        def choose(world: World, point: int = point) -> int | None:
            return None if world.kills else point

        ended = await run_with_kills(compiled, choose)
        check(ended, plain)
    return plain.points


def check(ended: Ended, plain: Ended) -> None:
    world = ended.world
    assert ended.outcome.status == "completed", ended.outcome.error
    assert ended.outcome.result == plain.outcome.result
    assert world.again == [], "recorded steps were made again"
    assert world.effects == plain.world.effects, "effects were doubled or lost"
    assert set(world.journal.steps) == set(plain.world.journal.steps)


def main(argv: Sequence[str]) -> None:
    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    points = run(every_point())
    figures = run(random_runs(int(argv[0]) if argv else 1_000))
    print(f"{points} points, each killed at once; {dict(figures)}; nothing was doubled.")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
