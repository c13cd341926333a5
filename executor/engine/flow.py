"""One run of a graph: starts the blocks that are ready and passes their outputs on."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from designs.graph.expressions import ExpressionError, is_truthy
from designs.graph.meter import Allowance, Heavy
from designs.graph.spec import Agent
from designs.patterns.base import BlockOutput, InstantPattern, Need
from executor.engine.arrivals import (
    Arrival,
    arrival_of,
    edited_arrivals,
    given_arrivals,
    read_by_agent,
    taken_of,
)
from executor.engine.block_run import BlockRun
from executor.engine.budget import Budget
from executor.engine.compile import CompiledBlock, CompiledGraph, Link
from executor.engine.context import Setup
from executor.engine.evaluation import Evaluation
from executor.engine.events import BlockChanged, Degraded, ErrorInfo, StepFinished
from executor.engine.failures import INTERNAL, condition_sentence, describe
from executor.engine.journal import StepResult, inside
from executor.engine.parking import Activity
from executor.engine.places import MakePlays, Place, at_block, tell_nobody
from executor.engine.play import play, utility_step, with_time_limit
from executor.engine.reasons import Reasons
from executor.engine.records import await_record
from executor.engine.run_tasks import RunTasks

logger = logging.getLogger(__name__)

# Blocks that compute in place yield to the event loop after this long.
TURN_SECONDS = 0.005


class Flow:
    """The state of one run, or of a graph that is played at a `place` inside one. Used once, on
    the loop that runs it.
    """

    __slots__ = (
        "_allowance", "_arrivals", "_deadline", "_degraded", "_delivered", "_evaluations", "_input",
        "_loop", "_open", "_place", "_ready", "_tasks", "_tell", "_waiting", "activity", "budget",
        "compiled", "error", "needs", "plays", "prefix", "setup",
    )  # fmt: skip

    def __init__(
        self,
        compiled: CompiledGraph,
        input_data: Any,
        setup: Setup,
        plays: MakePlays,
        place: Place | None = None,
    ) -> None:
        self.setup = setup
        self.plays = plays
        self.error: ErrorInfo | None = None
        # What the run waits for, once it can do nothing else.
        self.needs: tuple[Need, ...] = ()
        self.compiled = compiled
        self._input = input_data
        self._loop = asyncio.get_running_loop()
        self._place = place
        if place is None:
            self.prefix = ""
            self.budget = Budget(setup.limits, setup.journal.recorded(), setup.spent_before)
            self._allowance = Allowance.of_run()
            seconds = setup.limits.seconds
            self._deadline = None if seconds is None else self._loop.time() + seconds
            self._tell = setup.emit
            self.activity = Activity(self._let_go)
        else:
            self.prefix = place.prefix
            self.budget, self._allowance = place.flow.budget, place.flow._allowance
            self.activity = place.flow.activity
            self._tell = tell_nobody
        self._waiting = [len(block.incoming) for block in compiled.blocks]
        self._arrivals: dict[int, list[Arrival | None]] = {}
        self._ready = deque(compiled.roots)
        self._delivered = {name: {"output": out.value} for name, out in compiled.given.items()}
        self._open: set[int] = set()
        self._degraded = Reasons()
        self._evaluations: dict[int, Evaluation] = {}
        self._tasks = RunTasks(self._stop_on_internal_error)
        if compiled.given:
            for number in compiled.roots:
                self._arrivals[number] = given_arrivals(compiled.blocks[number], compiled.given)

    async def run(self) -> bool:
        """Run to the end; False if the time ran out first. `error` is set if the run failed,
        `needs` if it waits.
        """
        in_time = True
        try:
            self._pump()
            if not self._tasks.is_idle:
                # Who plays this inside a run watches its deadline.
                in_time = await self._tasks.wait(None if self._place else self._deadline)
        finally:
            await self._tasks.cancel_all()
        self._leave_open(is_waiting=bool(self.needs) and in_time and self.error is None)
        return in_time

    def _leave_open(self, *, is_waiting: bool) -> None:
        """Say of the blocks that have begun and not ended what becomes of them."""
        now = self.setup.timing.now()
        for number in sorted(self._open):
            block_id = self.compiled.blocks[number].id
            if is_waiting:
                self._tell(BlockChanged(block_id, "waiting", now))
                continue
            error = ErrorInfo("stopped", "The execution ended before this block did.", block_id)
            self._tell(BlockChanged(block_id, "failed", now, error=error))

    def _let_go(self) -> None:
        self.needs = self.activity.needs
        self._tasks.stop()

    # --- For blocks -------------------------------------------------------------------------------

    def stop(self, error: ErrorInfo) -> None:
        """End the whole run with this error, unless another one already ended it."""
        if self._place is None:
            self._end(error)
        else:
            self._place.flow.stop(at_block(error, self._place.block))

    def _end(self, error: ErrorInfo) -> None:
        """End this graph, which is the whole run or only a part of it."""
        if self.error is None:
            self.error = error
        self._tasks.stop()

    @property
    def is_ending(self) -> bool:
        """Whether this graph, or the run that it is a part of, ends early."""
        return self.error is not None or (self._place is not None and self._place.flow.is_ending)

    def under_way(self) -> Activity:
        return self.activity

    @property
    def deadline(self) -> float | None:
        """In the loop's time."""
        return self._deadline if self._place is None else self._place.run.deadline

    def standing_still(self) -> AbstractContextManager[None]:
        return nullcontext() if self._place is None else self._place.run.standing_still()

    def degrade(self, block: CompiledBlock, reason: str, agent: Agent | None = None) -> None:
        if self._degraded.add(block, reason, agent):
            self._tell(Degraded(reason, block.id))

    def evaluation(self, block: CompiledBlock | None) -> Evaluation:
        """The evaluation of a block's expressions; for None, of the design's output."""
        number = -1 if block is None else block.number
        evaluation = self._evaluations.get(number)
        if evaluation is None:
            evaluation = self._evaluations[number] = Evaluation(self._allowance)
        return evaluation

    def scope(self, ancestors: Sequence[str] | None) -> dict[str, Any]:
        """Names for expressions; `blocks` has ancestors only, so no result depends on timing."""
        delivered = self._delivered
        blocks = {}
        if ancestors is not None:
            blocks = {name: delivered[name] for name in ancestors if name in delivered}
        return {"input": self._input, "blocks": blocks, "execution": self.setup.facts}

    @property
    def outputs(self) -> dict[str, Any]:
        """Outputs of the blocks that delivered, by block id, in the document's order."""
        delivered = self._delivered
        return {b.id: delivered[b.id]["output"] for b in self.compiled.blocks if b.id in delivered}

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._degraded.texts

    # --- Starting blocks --------------------------------------------------------------------------

    def _pump(self) -> None:
        """Start or skip every block that is ready, yielding to the loop every TURN_SECONDS."""
        self._tasks.cancel_call()
        ready, blocks, emit = self._ready, self.compiled.blocks, self._tell
        until = time.perf_counter() + TURN_SECONDS
        while ready and self.error is None:
            number = ready.popleft()
            block = blocks[number]
            arrivals = self._arrivals.pop(number, None)
            now = self.setup.timing.now()
            if block.incoming and arrivals is None:
                emit(BlockChanged(block.block.id, "skipped", now))
                for link in block.outgoing:
                    self._settle(link, None)
            else:
                self._open.add(number)
                taken = [arrival for arrival in arrivals or () if arrival is not None]
                if block.edited:
                    taken = edited_arrivals(block, taken)
                some = None if len(taken) == len(block.incoming) else taken_of(block, arrivals)
                emit(BlockChanged(block.block.id, "running", now, taken=some))
                context = BlockRun(self, block, taken)
                if block.instant is None:
                    context.begin(self._loop.time())
                    self._tasks.start(self._play(block, context))
                else:
                    self._compute(block, block.instant, context, now)
            if ready and time.perf_counter() > until:
                self.activity.stir()
                self._tasks.call_soon(self._pump)
                return

    # --- Playing blocks ---------------------------------------------------------------------------

    def _compute(
        self, block: CompiledBlock, instant: InstantPattern[Any], context: BlockRun, now: float
    ) -> None:
        """Run a block that computes in place; it gets a task only if its record is awaited."""
        step = self.setup.journal.recall(inside(self.prefix, block.utility_key))
        if step is not None:
            self.setup.emit(StepFinished(step, replayed=True))
            self._complete(block, BlockOutput(step.output))
            return
        try:
            value = instant.compute(block.block, block.settings, context)
        except Heavy:
            self._tasks.start(self._compute_in_thread(block, instant, context, now))
        except Exception as error:  # noqa: BLE001 - any error of a pattern is its block's failure
            self._fail(block, describe(error, block.block.id, block.name))
        else:
            self._record_computed(block, context, value, now)

    async def _compute_in_thread(
        self, block: CompiledBlock, instant: InstantPattern[Any], context: BlockRun, now: float
    ) -> None:
        work = functools.partial(instant.compute, block.block, block.settings, context)
        try:
            with self.activity:
                value = await with_time_limit(block, self.evaluation(block).run_in_thread(work))
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(block, describe(error, block.block.id, block.name))
        else:
            self._record_computed(block, context, value, now)
        self._pump()

    def _record_computed(
        self, block: CompiledBlock, context: BlockRun, value: Any, started: float
    ) -> None:
        """Record a computed value, then complete its block: in a task if the record is awaited."""
        step_input = self._step_input(block, context)
        now = self.setup.timing.now()
        step = utility_step(block, self.prefix, step_input, value, started, now)
        try:
            pending = self.setup.journal.record(step)
        except Exception as error:  # noqa: BLE001 - a step that is not recorded ends the run
            context.stop_unrecorded(step.key, error)
            return
        if pending is None:
            self.setup.emit(StepFinished(step, replayed=False))
            self._complete(block, BlockOutput(value))
        else:
            self._tasks.start(self._complete_when_recorded(block, context, step, pending))

    async def _complete_when_recorded(
        self, block: CompiledBlock, context: BlockRun, step: StepResult, pending: Awaitable[None]
    ) -> None:
        try:
            with self.activity:
                await await_record(pending)
        except Exception as error:  # noqa: BLE001 - as above
            context.stop_unrecorded(step.key, error)
            return
        self.setup.emit(StepFinished(step, replayed=False))
        self._complete(block, BlockOutput(step.output))
        self._pump()

    async def _play(self, block: CompiledBlock, context: BlockRun) -> None:
        try:
            step_input = self._step_input(block, context)
            work = play(block, context, step_input)
            output = await with_time_limit(block, work, context.clock)
        except Exception as error:  # noqa: BLE001 - any error of a pattern is its block's failure
            if self.is_ending:
                # The block failed because of that.
                return
            self._fail(block, describe(error, block.id, block.name))
        else:
            self._complete(block, output)
        self._pump()

    def _step_input(self, block: CompiledBlock, context: BlockRun) -> Any:
        """The input that is recorded with the step of a utility block."""
        return context.incoming if block.incoming else self._input

    # --- Ends of blocks ---------------------------------------------------------------------------

    def _complete(self, block: CompiledBlock, output: BlockOutput) -> None:
        self._open.discard(block.number)
        now, value = self.setup.timing.now(), output.value
        read = read_by_agent(block, output)
        self._tell(BlockChanged(block.block.id, "completed", now, value, by_agent=read))
        self._deliver(block, output)

    def _fail(self, block: CompiledBlock, error: ErrorInfo) -> None:
        """Stop the run, or continue without the block or with its default: its `on_error`."""
        self._open.discard(block.number)
        on_error = block.block.on_error
        default = block.block.default if on_error == "default" else None
        now = self.setup.timing.now()
        self._tell(BlockChanged(block.id, "failed", now, output=default, error=error))
        if on_error == "fail":
            self._end(error)
        elif on_error == "continue":
            self.degrade(block, f"{error.message} The run went on without it.")
            for link in block.outgoing:
                self._settle(link, None)
        else:
            self.degrade(block, f"{error.message} Its default value was used instead.")
            by_agent = {agent.id: default for agent in block.block.agents}
            self._deliver(block, BlockOutput(default, by_agent))

    def _deliver(self, block: CompiledBlock, output: BlockOutput) -> None:
        self._delivered[block.block.id] = {"output": output.value}
        if not block.has_conditions:
            for link in block.outgoing:
                self._settle(link, arrival_of(link, output))
            return
        names = self.scope((*block.ancestors, block.id))
        for number, link in enumerate(block.outgoing):
            arrival = arrival_of(link, output)
            if arrival is not None and link.when is not None:
                incoming = {**names, "incoming": arrival[0].value}
                try:
                    if not is_truthy(self.evaluation(block).run_if_cheap(link.when, incoming)):
                        arrival = None
                except Heavy:
                    rest = block.outgoing[number:]
                    self._tasks.start(self._deliver_from_thread(block, rest, names, output))
                    return
                except ExpressionError as error:
                    self._stop_at(block, link, error)
                    arrival = None
            self._settle(link, arrival)

    async def _deliver_from_thread(
        self,
        block: CompiledBlock,
        links: Sequence[Link],
        names: dict[str, Any],
        output: BlockOutput,
    ) -> None:
        """Deliver to `links`, the first of which has a condition that would block the loop."""
        evaluation = self.evaluation(block)
        for link in links:
            arrival = arrival_of(link, output)
            if arrival is not None and link.when is not None:
                incoming = {**names, "incoming": arrival[0].value}
                try:
                    with self.activity:
                        is_taken = is_truthy(await evaluation.run(link.when, incoming))
                    if not is_taken:
                        arrival = None
                except ExpressionError as error:
                    self._stop_at(block, link, error)
                    return
            self._settle(link, arrival)
        self._pump()

    def _settle(self, link: Link, arrival: Arrival | None) -> None:
        """Pass on what a connection brings, None if it is not taken; the last one makes the
        target ready.
        """
        target = link.target
        if arrival is not None:
            incoming = self.compiled.blocks[target].incoming
            places = self._arrivals.setdefault(target, [None] * len(incoming))
            places[link.place] = arrival
        self._waiting[target] -= 1
        if not self._waiting[target]:
            self._ready.append(target)

    def _stop_at(self, block: CompiledBlock, link: Link, error: ExpressionError) -> None:
        self._end(ErrorInfo("expression", condition_sentence(link.connection, error), block.id))

    def _stop_on_internal_error(self, error: BaseException) -> None:
        logger.error("A run failed inside Orchestra.", exc_info=error)
        self.stop(ErrorInfo("internal", INTERNAL))
