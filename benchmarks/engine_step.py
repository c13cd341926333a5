"""What the engine costs beside the work itself: a trivial step, and a fan-out of a hundred.

Run: python -m benchmarks.engine_step [--peers]

With --peers LangGraph is installed into an environment of its own (.cache/peers) and runs the same
chain. Inputs and outputs of every step are recorded on our side.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from designs.graph.spec import Graph
from designs.patterns.catalogue import check_document
from executor.engine.context import Setup
from executor.engine.llm.base import Model, ModelAnswer, ModelRequest
from executor.engine.runner import compile_graph, run_graph
from tests.memory_journal import MemoryJournal

ROOT = Path(__file__).resolve().parent.parent
STEPS = 100
RUNS = 60
WIDE = 100


class Instant:
    """A model that answers at once, after one turn of the loop."""

    name = "bench:instant"

    def resolve(self, name: str) -> Model:
        return self

    async def has_price(self) -> bool:
        return True

    async def complete(self, request: ModelRequest, on_delta: Any = None) -> ModelAnswer:
        await asyncio.sleep(0)
        return ModelAnswer(text="x", model=self.name)


def main() -> None:
    chain = _checked(
        [{"id": f"b{n}", "type": "transform", "settings": {"expression": "input"}}
         for n in range(STEPS)],
        [{"id": f"c{n}", "source": f"b{n}", "target": f"b{n + 1}"} for n in range(STEPS - 1)],
    )  # fmt: skip
    fan = _checked(
        [{"id": "all", "type": "parallel", "settings": {"max_concurrency": WIDE // 2},
          "agents": [{"id": f"a{n}", "system_prompt": "x"} for n in range(WIDE // 2)]},
         {"id": "more", "type": "parallel", "settings": {"max_concurrency": WIDE // 2},
          "agents": [{"id": f"a{n}", "system_prompt": "x"} for n in range(WIDE // 2)]}],
        [],
    )  # fmt: skip
    step = _time(lambda: _run(chain)) / STEPS
    task = _time(_chain_of_tasks) / STEPS
    wide, gather = _time(lambda: _run(fan)), _time(_gather)
    print(f"{'a trivial step, input and output recorded':48} {step * 1e6:8.1f} µs")
    print(f"{'an asyncio task in a chain':48} {task * 1e6:8.1f} µs")
    print(f"{f'a fan-out of {WIDE} model calls':48} {wide * 1e3:8.2f} ms")
    print(f"{f'asyncio.gather of {WIDE} such calls':48} {gather * 1e3:8.2f} ms")
    print(f"{'fan-out, times gather':48} {wide / gather:8.1f} x")
    if "--peers" in sys.argv:
        print(f"{'a node of a LangGraph chain (ainvoke)':48} {_langgraph():8.1f} µs", flush=True)


def _checked(blocks: list[dict[str, Any]], connections: list[dict[str, Any]]) -> Graph:
    document = {"schema": 1, "name": "Bench", "blocks": blocks, "connections": connections}
    found = check_document(document)
    if found.graph is None or found.problems:
        raise SystemExit(str(found.problems))
    return found.graph


def _run(graph: Graph) -> Callable[[], Awaitable[Any]]:
    compiled = compile_graph(graph)

    async def once() -> None:
        setup = Setup(
            execution_id="bench",
            facts={"id": "bench"},
            models=Instant(),
            default_models=("bench:instant",),
            journal=MemoryJournal(),
            emit=lambda event: None,
        )
        outcome = await run_graph(compiled, {"value": 1}, setup)
        if outcome.status != "completed":
            raise SystemExit(str(outcome.error))

    return once


def _chain_of_tasks() -> Callable[[], Awaitable[Any]]:
    async def work(value: Any) -> Any:
        return value

    async def once() -> None:
        value: Any = {"value": 1}
        for _ in range(STEPS):
            value = await asyncio.create_task(work(value))

    return once


def _gather() -> Callable[[], Awaitable[Any]]:
    request = ModelRequest("k", "x", (), "answer", "worker")

    async def once() -> None:
        await asyncio.gather(*(Instant().complete(request) for _ in range(WIDE)))

    return once


def _time(make: Callable[[], Callable[[], Awaitable[Any]]]) -> float:
    """The median of many runs, in seconds."""

    async def measure() -> float:
        once = make()
        await once()
        times = []
        for _ in range(RUNS):
            began = time.perf_counter()
            await once()
            times.append(time.perf_counter() - began)
        return statistics.median(times)

    return asyncio.run(measure())


def _langgraph() -> float:
    home = ROOT / ".cache" / "peers"
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "-r", ROOT / "benchmarks" / "peers.txt"], check=True
    )
    found = subprocess.run(
        [python, ROOT / "benchmarks" / "peer_langgraph.py", str(STEPS), str(RUNS)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return float(found.stdout)


if __name__ == "__main__":
    main()
