"""Plays a graph as a part of a run: inside one of its blocks, with the run's budget and journal."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import replace
from typing import Any

from designs.graph.nesting import Body
from executor.engine.compile import CompiledBlock, CompiledGraph
from executor.engine.events import BlockProgress, ErrorInfo
from executor.engine.failures import NestedFailure, RunStopped
from executor.engine.flow import TURN_SECONDS, Flow
from executor.engine.places import Place, PlayingBlock
from executor.engine.results import misfits_of, result_misfit, result_of

# Of the reasons why plays inside one block are degraded, so many are told.
MAX_REASONS = 10
# How often it is told how far a block is.
TELL_SECONDS = 1.0
NOT_THERE = "the design that it plays, {}, is not there any more."


class Plays:
    """The plays inside one block of a run, and why some of them are degraded."""

    __slots__ = ("_block", "_host", "_reasons", "_run", "_told_at", "_until")

    def __init__(self, host: Flow, block: CompiledBlock, run: PlayingBlock) -> None:
        self._host = host
        self._block = block
        self._run = run
        self._reasons: list[tuple[int, str]] = []
        self._until = time.perf_counter() + TURN_SECONDS
        self._told_at = -math.inf

    async def play(self, value: Any, number: int | None, where: str) -> Any:
        """Raises NestedFailure, RunStopped."""
        host, block = self._host, self._block
        at = "" if number is None else f"[{number}]"
        prefix = f"{host.prefix}{block.id}{at}>"
        return await self._play(_graph_of(host, block), value, prefix, number or 0, where)

    async def play_tool(self, body: Body, value: Any, key: str) -> Any:
        """As the tool of an agent, whose call has that key. Raises NestedFailure, RunStopped."""
        graph = self._host.setup.nested.get(body.name)
        if graph is None:
            raise NestedFailure("", ErrorInfo("nested", NOT_THERE.format(body)))
        host, block = self._host, self._block
        call = key.removeprefix(f"{host.prefix}{block.id}/")
        return await self._play(graph, value, f"{host.prefix}{block.id}[{call}]>", 0, "")

    async def _play(
        self, graph: CompiledGraph, value: Any, prefix: str, number: int, where: str
    ) -> Any:
        host, block = self._host, self._block
        where = where or f"in '{graph.graph.name}'"
        flow = Flow(graph, value, host.setup, Plays, Place(host, block, self._run, prefix))
        error, result = await _played(flow, graph, value)
        if host.is_ending:
            raise RunStopped("The run ends.")
        if error is not None:
            raise NestedFailure(where, error)
        self._reasons += [(number, f"{where}: {reason}") for reason in flow.reasons]
        await self._take_turns()
        return result

    async def _take_turns(self) -> None:
        """Let others of this event loop come to their turn: plays that only compute never wait."""
        if time.perf_counter() > self._until:
            with self._host.activity:
                await asyncio.sleep(0)
            self._until = time.perf_counter() + TURN_SECONDS

    def tell(self, done: int, failed: int, total: int) -> None:
        """At most once a second, and at the end; only of the run's own blocks."""
        host, is_over = self._host, done + failed >= total
        now = host.setup.timing.now()
        if host.prefix or (now - self._told_at < TELL_SECONDS and not is_over):
            return
        self._told_at = now
        host.setup.emit(BlockProgress(self._block.id, done, failed, total))

    def degrade(self) -> None:
        """Tell why plays inside are degraded, in their order."""
        reasons = [reason for _, reason in sorted(self._reasons, key=lambda pair: pair[0])]
        for reason in reasons[:MAX_REASONS]:
            self._host.degrade(self._block, f"{self._block.name}, {reason}")
        if (more := len(reasons) - MAX_REASONS) > 0:
            self._host.degrade(self._block, f"{self._block.name}: {more:,} more such reasons.")


def _graph_of(host: Flow, block: CompiledBlock) -> CompiledGraph:
    if block.inner is not None:
        return block.inner
    graph = host.setup.nested.get(block.body.name if block.body else "")
    if graph is None:
        raise NestedFailure("", ErrorInfo("nested", NOT_THERE.format(block.body)))
    return graph


async def _played(flow: Flow, graph: CompiledGraph, value: Any) -> tuple[ErrorInfo | None, Any]:
    if not isinstance(value, dict):
        sentence = "its input must be an object, as in `{message: incoming}`."
        return ErrorInfo("input", sentence), None
    with flow.activity:
        problems = await misfits_of(graph.input_check, value)
    if problems:
        sentence = f"its input does not fit the design's input schema: {problems}."
        return ErrorInfo("input", sentence), None
    await flow.run()
    if flow.error is not None:
        return _named(flow), None
    if flow.is_ending:
        return None, None
    with flow.activity:
        result, error = await result_of(flow)
        return error or await result_misfit(flow, result), result


def _named(flow: Flow) -> ErrorInfo | None:
    """The error with the type of its block, which is not one of the whole run's."""
    error = flow.error
    if error is None or error.block_type is not None:
        return error
    types = {block.id: block.block.type for block in flow.compiled.blocks}
    return replace(error, block_type=types.get(error.block_id or ""))
