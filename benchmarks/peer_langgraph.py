"""A chain of trivial nodes in LangGraph: microseconds a node. Runs in its own environment."""

import asyncio
import statistics
import sys
import time
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    value: int


async def node(state: State) -> dict[str, Any]:
    return {"value": state["value"]}


async def main(steps: int, runs: int) -> None:
    graph = StateGraph(State)
    for number in range(steps):
        graph.add_node(f"n{number}", node)
        graph.add_edge(START if number == 0 else f"n{number - 1}", f"n{number}")
    graph.add_edge(f"n{steps - 1}", END)
    compiled = graph.compile()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        await compiled.ainvoke({"value": 1}, {"recursion_limit": steps * 2})
        times.append(time.perf_counter() - began)
    print(statistics.median(times) / steps * 1e6)


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
