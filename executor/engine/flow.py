"""One run of a graph: which block may start, what it gets, what its end means for the others."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from operator import itemgetter
from typing import Any

from designs.graph.expressions import ExpressionError, is_truthy
from designs.graph.meter import Allowance, Heavy
from designs.graph.spec import Agent, Graph
from designs.patterns.base import BlockOutput, Delivery, InstantPattern
from executor.engine.block_run import Arrival, BlockRun, kept
from executor.engine.budget import Budget
from executor.engine.compile import CompiledBlock, CompiledGraph, Link
from executor.engine.context import Setup
from executor.engine.evaluation import Evaluation
from executor.engine.events import BlockChanged, Degraded, ErrorInfo, StepFinished
from executor.engine.failures import INTERNAL, describe, expression_sentence
from executor.engine.journal import StepResult
from executor.engine.play import play, utility_step, within
from executor.engine.run_tasks import RunTasks

logger = logging.getLogger(__name__)

# Blocks that compute in place let others on the loop have a turn after this long.
TURN_SECONDS = 0.005


class Flow:
    """The state of one run. Used once, on the loop that runs it."""

    __slots__ = (
        "_allowance", "_arrivals", "_compiled", "_degraded", "_done", "_evaluations", "_input",
        "_loop", "_open", "_ready", "_waiting", "_tasks", "budget", "deadline", "error", "setup",
    )  # fmt: skip

    def __init__(self, compiled: CompiledGraph, input_data: Any, setup: Setup) -> None:
        self.setup = setup
        self.budget = Budget(setup.limits, setup.journal.recorded(), setup.spent_before)
        self.error: ErrorInfo | None = None
        self._compiled = compiled
        self._input = input_data
        self._loop = asyncio.get_running_loop()
        seconds = setup.limits.seconds
        self.deadline = None if seconds is None else self._loop.time() + seconds
        self._waiting = [len(block.incoming) for block in compiled.blocks]
        self._arrivals: dict[int, list[Arrival | None]] = {}
        self._ready = deque(compiled.roots)
        self._done: dict[str, dict[str, Any]] = {}
        self._open: set[int] = set()
        # Each with the numbers of its block and agent, by which they are told in order.
        self._degraded: list[tuple[int, int, str]] = []
        self._allowance = Allowance.of_run()
        self._evaluations: dict[int, Evaluation] = {}
        self._tasks = RunTasks(self._broken)

    async def run(self) -> bool:
        """Run to the end; False if the time ran out before. Then `error` says if it failed."""
        in_time = True
        try:
            self._pump()
            if not self._tasks.is_idle:
                in_time = await self._tasks.wait(self.deadline)
        finally:
            await self._tasks.cancel_all()
        self._close_open_blocks()
        return in_time

    # --- What blocks ask of the run ---------------------------------------------------------------

    def stop(self, error: ErrorInfo) -> None:
        """End the whole run with this error; the first one counts."""
        if self.error is None:
            self.error = error
        self._tasks.stop()

    def degrade(self, block: CompiledBlock, reason: str, agent: Agent | None = None) -> None:
        agents = block.block.agents
        found = (block.number, len(agents) if agent is None else agents.index(agent), reason)
        if found not in self._degraded:
            self._degraded.append(found)
            self.setup.emit(Degraded(reason, block.id))

    def evaluation(self, block: CompiledBlock | None) -> Evaluation:
        """What computes the expressions of a block, or of the design's output."""
        number = -1 if block is None else block.number
        found = self._evaluations.get(number)
        if found is None:
            found = self._evaluations[number] = Evaluation(self._allowance)
        return found

    def models(self, agent: Agent) -> Sequence[str]:
        named = agent.model or self._compiled.graph.model
        if not named:
            return self.setup.default_models
        return (named,) if isinstance(named, str) else named

    @property
    def graph(self) -> Graph:
        return self._compiled.graph

    def scope(self, ancestors: Sequence[str] | None) -> dict[str, Any]:
        """Names for expressions; `blocks` has those above only: no result depends on timing."""
        done = self._done
        blocks = (
            {} if ancestors is None else {name: done[name] for name in ancestors if name in done}
        )
        return {"input": self._input, "blocks": blocks, "execution": self.setup.facts}

    @property
    def outputs(self) -> dict[str, Any]:
        """Outputs of the blocks that delivered, by block id, in the document's order."""
        done = self._done
        return {b.id: done[b.id]["output"] for b in self._compiled.blocks if b.id in done}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the run is degraded, in the document's order, not in that of happening."""
        return tuple(reason for _, _, reason in sorted(self._degraded, key=itemgetter(0, 1)))

    # --- Starting blocks --------------------------------------------------------------------------

    def _pump(self) -> None:
        """Start everything that is ready; after a while the rest gets its turn later."""
        self._tasks.forget_call()
        ready, blocks = self._ready, self._compiled.blocks
        until = time.perf_counter() + TURN_SECONDS
        while ready and self.error is None:
            number = ready.popleft()
            block = blocks[number]
            arrivals = self._arrivals.pop(number, None)
            if block.incoming and arrivals is None:
                self._skip(block)
            else:
                self._start(block, [found for found in arrivals or () if found is not None])
            if ready and time.perf_counter() > until:
                self._tasks.call_soon(self._pump)
                return

    def _start(self, block: CompiledBlock, arrivals: list[Arrival]) -> None:
        now = self.setup.timing.now()
        self._open.add(block.number)
        self.setup.emit(BlockChanged(block.block.id, "running", now))
        context = BlockRun(self, block, arrivals)
        if block.instant is None:
            context.begin(self._loop.time())
            self._tasks.start(self._play(block, context))
        else:
            self._compute(block, block.instant, context, now)

    # --- Playing blocks ---------------------------------------------------------------------------

    def _compute(
        self, block: CompiledBlock, instant: InstantPattern[Any], context: BlockRun, now: float
    ) -> None:
        """A block that computes in place: no task, unless its record takes time."""
        step = self.setup.journal.recall(block.utility_key)
        if step is not None:
            self.setup.emit(StepFinished(step, replayed=True))
            self._complete(block, BlockOutput(step.output))
            return
        try:
            value = instant.compute(block.block, block.settings, context)
        except Heavy:
            self._tasks.start(self._compute_apart(block, instant, context, now))
        except Exception as error:  # noqa: BLE001 - whatever a pattern raises is told as its failure
            self._fail(block, describe(error, block.block.id, block.name))
        else:
            self._computed(block, context, value, now)

    async def _compute_apart(
        self, block: CompiledBlock, instant: InstantPattern[Any], context: BlockRun, now: float
    ) -> None:
        """The same in a thread, for what would hold the event loop."""
        work = functools.partial(instant.compute, block.block, block.settings, context)
        try:
            value = await within(block, self.evaluation(block).apart(work))
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(block, describe(error, block.block.id, block.name))
        else:
            self._computed(block, context, value, now)
        self._pump()

    def _computed(self, block: CompiledBlock, context: BlockRun, value: Any, now: float) -> None:
        """Record what a block computed, and go on."""
        step = utility_step(block, self._given(block, context), value, now, self.setup.timing.now())
        try:
            pending = self.setup.journal.record(step)
        except Exception as error:  # noqa: BLE001 - whatever keeps a journal from writing ends the run
            context.refuse(step.key, error)
            return
        if pending is None:
            self.setup.emit(StepFinished(step, replayed=False))
            self._complete(block, BlockOutput(value))
        else:
            self._tasks.start(self._complete_when_kept(block, context, step, pending))

    async def _complete_when_kept(
        self, block: CompiledBlock, context: BlockRun, step: StepResult, pending: Awaitable[None]
    ) -> None:
        try:
            await kept(pending)
        except Exception as error:  # noqa: BLE001 - as above
            context.refuse(step.key, error)
            return
        self.setup.emit(StepFinished(step, replayed=False))
        self._complete(block, BlockOutput(step.output))
        self._pump()

    async def _play(self, block: CompiledBlock, context: BlockRun) -> None:
        try:
            output = await play(block, context, self._given(block, context))
        except Exception as error:  # noqa: BLE001 - whatever a pattern raises is told as its failure
            if self.error is not None:
                # The run is ending; what the block says of it is no failure of its own.
                return
            self._fail(block, describe(error, block.id, block.name))
        else:
            self._complete(block, output)
        self._pump()

    def _given(self, block: CompiledBlock, context: BlockRun) -> Any:
        """What a utility block's step records as its input."""
        return context.incoming if block.incoming else self._input

    # --- What the end of a block means for the others ---------------------------------------------

    def _complete(self, block: CompiledBlock, output: BlockOutput) -> None:
        self._open.discard(block.number)
        now = self.setup.timing.now()
        self.setup.emit(BlockChanged(block.block.id, "completed", now, output=output.value))
        self._deliver(block, output)

    def _fail(self, block: CompiledBlock, error: ErrorInfo) -> None:
        """Deal with a failed block as its `on_error` says."""
        self._open.discard(block.number)
        on_error = block.block.on_error
        stands_in = block.block.default if on_error == "default" else None
        now = self.setup.timing.now()
        self.setup.emit(BlockChanged(block.id, "failed", now, output=stands_in, error=error))
        if on_error == "fail":
            self.stop(error)
        elif on_error == "continue":
            self.degrade(block, f"{error.message} The run went on without it.")
            for link in block.outgoing:
                self._settle(link, None)
        else:
            self.degrade(block, f"{error.message} Its default value was used instead.")
            by_agent = {agent.id: stands_in for agent in block.block.agents}
            self._deliver(block, BlockOutput(stands_in, by_agent))

    def _skip(self, block: CompiledBlock) -> None:
        self.setup.emit(BlockChanged(block.id, "skipped", self.setup.timing.now()))
        for link in block.outgoing:
            self._settle(link, None)

    def _deliver(self, block: CompiledBlock, output: BlockOutput) -> None:
        self._done[block.block.id] = {"output": output.value}
        if not block.has_conditions:
            for link in block.outgoing:
                self._settle(link, _arrival(link, output))
            return
        names = self.scope((*block.ancestors, block.id))
        for number, link in enumerate(block.outgoing):
            arrival = _arrival(link, output)
            try:
                is_taken = arrival is not None and self._holds(block, link, names, arrival)
            except Heavy:
                rest = block.outgoing[number:]
                self._tasks.start(self._deliver_apart(block, rest, names, output))
                return
            self._settle(link, arrival if is_taken else None)

    async def _deliver_apart(
        self,
        block: CompiledBlock,
        links: Sequence[Link],
        names: dict[str, Any],
        output: BlockOutput,
    ) -> None:
        """The same in a thread, from the first condition on that would hold the event loop."""
        evaluation = self.evaluation(block)
        for link in links:
            arrival = _arrival(link, output)
            is_taken = arrival is not None
            if arrival is not None and link.when is not None:
                try:
                    found = await evaluation.value(link.when, _with_incoming(names, arrival))
                    is_taken = is_truthy(found)
                except ExpressionError as error:
                    self._stop_at(block, link, error)
                    return
            self._settle(link, arrival if is_taken else None)
        self._pump()

    def _settle(self, link: Link, arrival: Arrival | None) -> None:
        """A connection delivered, or was not taken; the last one makes the target ready."""
        target = link.target
        if arrival is not None:
            places = self._arrivals.get(target)
            if places is None:
                places = self._arrivals[target] = [None] * len(
                    self._compiled.blocks[target].incoming
                )
            places[link.place] = arrival
        self._waiting[target] -= 1
        if self._waiting[target] == 0:
            self._ready.append(target)

    def _holds(
        self, block: CompiledBlock, link: Link, names: dict[str, Any], arrival: Arrival
    ) -> bool:
        """The connection's condition. Raises Heavy."""
        if link.when is None:
            return True
        try:
            found = self.evaluation(block).at_once(link.when, _with_incoming(names, arrival))
        except ExpressionError as error:
            self._stop_at(block, link, error)
            return False
        return is_truthy(found)

    def _stop_at(self, block: CompiledBlock, link: Link, error: ExpressionError) -> None:
        c = link.connection
        sentence = f"Condition of connection '{c.id}' ({c.source} to {c.target}): "
        self.stop(ErrorInfo("expression", sentence + expression_sentence(error), block.id))

    # --- The end ----------------------------------------------------------------------------------

    def _close_open_blocks(self) -> None:
        """Say of each block that was running that it is not any more."""
        now = self.setup.timing.now()
        for number in sorted(self._open):
            block = self._compiled.blocks[number]
            error = ErrorInfo("stopped", "The execution ended before this block did.", block.id)
            self.setup.emit(BlockChanged(block.id, "failed", now, error=error))

    def _broken(self, error: BaseException) -> None:
        """Something failed that no design or model can be blamed for."""
        logger.error("A run failed inside Orchestra.", exc_info=error)
        self.stop(ErrorInfo("internal", INTERNAL))


def _arrival(link: Link, output: BlockOutput) -> Arrival | None:
    """What the connection brings if its condition holds; None if it is not taken in any case."""
    if output.routes is not None and link.route not in output.routes:
        return None
    connection = link.connection
    value = output.value
    if connection.source_agent is not None:
        if connection.source_agent not in output.by_agent:
            return None
        value = output.by_agent[connection.source_agent]
    return Delivery(connection.source, connection.source_agent, value), connection.target_agent


def _with_incoming(names: dict[str, Any], arrival: Arrival) -> dict[str, Any]:
    """The names for a condition: `incoming` is what the connection would bring."""
    return {**names, "incoming": arrival[0].value}
