"""The engine's side of one block's run: prompts, expressions, journaled model calls."""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

from designs.graph.expressions import Expression, Template
from designs.graph.nesting import Body
from designs.graph.spec import Agent, Graph
from designs.patterns.base import RUN_INPUT, Answer, Delivery, Need, Part
from designs.patterns.calls import Called, HttpCall
from executor.engine.arrivals import Arrival, seen_by
from executor.engine.budget import Budget
from executor.engine.compile import CompiledBlock
from executor.engine.context import Setup, Timing
from executor.engine.evaluation import Compiled
from executor.engine.events import ErrorInfo, StepFinished
from executor.engine.failures import RunStopped, StepFailure, failure_before
from executor.engine.hosts import BlockHost
from executor.engine.http_calls import HttpRequest
from executor.engine.incoming import incoming_value
from executor.engine.journal import StepResult, inside, step_key
from executor.engine.json_text import json_text
from executor.engine.limits import LimitReached
from executor.engine.llm.tool_use import ToolUse
from executor.engine.parking import BlockClock
from executor.engine.places import Plays
from executor.engine.records import await_record, write_unawaited
from executor.engine.step_run import CALL_SECONDS, Question, StepRun
from executor.engine.time_limits import cut_off, earlier, time_limit
from executor.engine.tool_loop import ToolLoop
from executor.engine.waits import wait_until_due

logger = logging.getLogger(__name__)

NOTHING: tuple[Any, ...] = (None, "", [], {})


class BlockRun:
    """One block's run; the `RunContext` its pattern sees.

    `arrivals` are the taken connections in the document's order, each with the agent it is for
    (None: the whole block). An agent sees what is for it or for the whole block; the block sees
    what is for the whole block, or everything if it has only one agent.
    """

    __slots__ = (
        "_arrivals", "_block", "_evaluation", "_host", "_incoming", "_names_without_blocks",
        "_plays", "_steps", "clock",
    )  # fmt: skip

    def __init__(self, host: BlockHost, block: CompiledBlock, arrivals: Sequence[Arrival]) -> None:
        self._host = host
        self._block = block
        self._arrivals = arrivals
        self._incoming = incoming_value(self._seen_by(None))
        self._names_without_blocks: dict[str, Any] | None = None
        # The steps of this run by key; None while one is being asked.
        self._steps: dict[str, StepResult | None] = {}
        # None without a time limit of the block's own.
        self.clock: BlockClock | None = None
        self._plays: Plays | None = None
        self._evaluation = host.evaluation(block)

    @property
    def incoming(self) -> Any:
        return self._incoming

    @property
    def graph(self) -> Graph:
        return self._host.compiled.graph

    @property
    def prefix(self) -> str:
        return self._host.prefix

    @property
    def timing(self) -> Timing:
        return self._host.setup.timing

    @property
    def setup(self) -> Setup:
        return self._host.setup

    @property
    def budget(self) -> Budget:
        return self._host.budget

    @property
    def block_id(self) -> str:
        """With the place in the run, as rows have it."""
        return inside(self.prefix, self._block.id)

    @property
    def retries(self) -> int:
        return self._block.block.retries

    def degrade_agent(self, agent: Agent, reason: str) -> None:
        self._host.degrade(self._block, reason, agent)

    def results(self) -> Mapping[str, Any]:
        blocks = self._scope()["blocks"]
        return {name: block["output"] for name, block in blocks.items()}

    def begin(self, now: float) -> None:
        """Set the block's deadline, in the loop's time."""
        seconds = self._block.block.timeout_seconds
        if seconds is not None:
            self.clock = BlockClock(now + seconds)

    @property
    def deadline(self) -> float | None:
        """The nearer one of the block's and the run's, in the loop's time."""
        clock = self.clock
        return earlier(self._host.deadline, None if clock is None else clock.ends_at)

    async def ask(
        self,
        agent: Agent,
        parts: Sequence[Part],
        *,
        purpose: str,
        round_number: int = 1,
        schema: dict[str, Any] | None = None,
        lenient: bool = False,
        later: int | None = None,
    ) -> Answer:
        """See `RunContext`. Raises StepFailure (an AgentFailed), ExpressionError, RunStopped."""
        key = inside(self.prefix, step_key(self._block.id, agent.id, round_number, purpose))
        step = self._steps.get(key)
        if step is None:
            if key in self._steps:
                raise RuntimeError(f"The step {key} is asked twice at once.")
            self._steps[key] = None
            asked = functools.partial(
                self._question, agent, parts, purpose, round_number, schema, lenient, later
            )
            try:
                step = await self._answered(agent, key, asked)
                self._host.budget.check()
                self._steps[key] = step
            except LimitReached as limit:
                self._host.stop(ErrorInfo("limit", limit.message, self._block.id, key))
                raise RunStopped(limit.message) from limit
            finally:
                if self._steps[key] is None:
                    del self._steps[key]
            if step.finish_reason == "length":
                self._host.degrade(self._block, cut_off(agent, step), agent)
        return Answer(step.text or "", None if schema is None else step.output)

    async def wait_for(self, need: Need) -> Mapping[str, Any]:
        """See `RunContext`. Raises BlockFailed for a time that is too far away."""
        if self.prefix:
            key, block_id = inside(self.prefix, need.key), inside(self.prefix, need.block_id)
            need = replace(need, key=key, block_id=block_id)
        return await self.settled(need)

    async def settled(self, need: Need) -> Mapping[str, Any]:
        """The same for a need whose key and block id tell already where in the run it is."""
        if need.kind == "time":
            return await wait_until_due(self, need)
        decision = self._host.setup.decisions.get(need.key)
        if decision is None:
            await self.park(need)
            raise RuntimeError(f"{need.key} was woken without a decision.")
        return decision

    async def park(self, need: Need, due: Awaitable[None] | None = None) -> None:
        """Wait until `due`, or until the run is let go. The block's time stands still meanwhile."""
        with self.standing_still():
            await self._host.activity.park(need, due)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        own = nullcontext() if self.clock is None else self.clock.standing_still()
        with own, self._host.standing_still():
            yield

    def under_way(self) -> AbstractContextManager[None]:
        """To be held around whatever goes on by itself: without anything under way, a run with
        parked needs is let go.
        """
        return self._host.under_way()

    def now(self) -> float:
        return self._host.setup.timing.now()

    async def prepare(self) -> None:
        """Render the block's templates in advance, so that none blocks the loop later."""
        with self._host.under_way():
            await self._prepare()

    async def _prepare(self) -> None:
        block, templates = self._block.block, self._block.templates
        if block.task in templates:
            await self._evaluation.prepare(templates[block.task], self._names_for, "")
        for agent in block.agents:
            if agent.system_prompt in templates:
                names = functools.partial(self._names_for, agent=agent)
                template = templates[agent.system_prompt]
                await self._evaluation.prepare(template, names, agent.id)

    def render(self, template: str) -> Any:
        return self._rendered(template, None)

    def evaluate(self, expression: str) -> Any:
        compiled = Expression.compile(expression)
        return self._computed(compiled, self._names_for(compiled))

    async def compute(self, expression: str, names: Mapping[str, Any] | None = None) -> Any:
        return await self._with_names(Expression.compile(expression), names)

    async def fill(self, template: str, names: Mapping[str, Any] | None = None) -> Any:
        return await self._with_names(Template.compile(template), names)

    async def _with_names(self, compiled: Compiled, names: Mapping[str, Any] | None) -> Any:
        known = self._names_for(compiled)
        with self._host.under_way():
            return await self._evaluation.run(compiled, {**known, **names} if names else known)

    # --- Designs inside the block -----------------------------------------------------------------

    async def play(self, value: Any, *, number: int | None = None, where: str = "") -> Any:
        """See `RunContext`. Raises NestedFailure, RunStopped."""
        return await self._playing().play(value, number, where)

    async def play_tool(self, body: Body, value: Any, key: str) -> Any:
        """Play a deployed design as the tool of an agent. Raises NestedFailure, RunStopped."""
        return await self._playing().play_tool(body, value, key)

    def _playing(self) -> Plays:
        if self._plays is None:
            self._plays = self._host.plays(self._host, self._block, self)
        return self._plays

    def end_plays(self) -> None:
        if self._plays is not None:
            self._plays.degrade()

    def tell(self, done: int, failed: int, total: int) -> None:
        self._playing().tell(done, failed, total)

    async def call(self, call: HttpCall, number: int) -> Called:
        """See `RunContext`. Raises BlockFailed, RunStopped."""
        return await HttpRequest(self, call, self._block.id, number).answer()

    # --- Texts and values -------------------------------------------------------------------------

    def _rendered(self, source: str, agent: Agent | None) -> Any:
        template = self._block.templates.get(source) or Template.compile(source)
        if template.text is not None:
            return template.text
        whose = "" if agent is None else agent.id
        if self._evaluation.has(template, whose):
            return self._evaluation.prepared(template, whose)
        return self._computed(template, self._names_for(template, agent))

    def _computed(self, compiled: Compiled, names: dict[str, Any]) -> Any:
        """The value. Raises Heavy in an instant block, which is then computed in a thread."""
        if self._block.instant is not None:
            return self._evaluation.run_if_cheap(compiled, names)
        return self._evaluation.run_in_place(compiled, names)

    def deliveries(self, agent: Agent) -> Sequence[Delivery]:
        if self._block.incoming:
            return self._seen_by(agent)
        run_input = self._host.scope(None)["input"] if self._block.takes_input else None
        return () if run_input in NOTHING else (Delivery(RUN_INPUT, None, run_input),)

    def degrade(self, reason: str) -> None:
        self._host.degrade(self._block, reason)

    def recall(self, key: str) -> StepResult | None:
        """The step as the journal has it; emitted as replayed, not counted again."""
        step = self._host.setup.journal.recall(key)
        if step is not None:
            self._host.setup.emit(StepFinished(step, replayed=True))
        return step

    async def _answered(self, agent: Agent, key: str, asked: Callable[..., Question]) -> StepResult:
        if agent.tools:
            return await ToolLoop(self, agent, key, asked).answer()
        return self.recall(key) or await self.perform(asked(key))

    def _question(
        self,
        agent: Agent,
        parts: Sequence[Part],
        purpose: str,
        round_number: int,
        schema: dict[str, Any] | None,
        lenient: bool,
        later: int | None,
        key: str,
        tool_use: ToolUse | None = None,
    ) -> Question:
        block, limit = self._block.block, time_limit(agent, later, self.deadline)
        models = agent.model or self.graph.model or self._host.setup.default_models
        return Question(
            key=key,
            block_id=self.block_id,
            agent=agent,
            round_number=round_number,
            purpose=purpose,
            system=self._system(agent),
            parts=tuple(parts),
            schema=schema,
            models=(models,) if isinstance(models, str) else models,
            retries=block.retries,
            call_seconds=earlier(block.timeout_seconds, agent.timeout_seconds) or CALL_SECONDS,
            deadline=earlier(self.deadline, None if limit is None else limit.at),
            limit=limit,
            lenient=lenient,
            tool_use=tool_use,
        )

    async def perform(self, question: Question) -> StepResult:
        """Ask a model and record the step. Raises StepFailure, RunStopped."""
        setup = self._host.setup
        earlier = setup.journal.recall_failed(question.key)
        lost = None if setup.failed is None else failure_before(question.agent, earlier)
        if lost is not None:
            raise lost
        step_run = StepRun(self._host, question, earlier)
        try:
            with self._host.under_way():
                step = await step_run.result()
        except StepFailure as failure:
            if (failed := step_run.failed_step(failure)) is not None:
                await self._write(failed)
            raise
        except BaseException as error:
            if (failed := step_run.failed_step(error)) is not None:
                write_unawaited(self._host.setup.journal, failed)
            raise
        await self.record(step)
        return step

    async def record(self, step: StepResult) -> None:
        """Record a step and emit it. Raises RunStopped when it could not be recorded."""
        await self._write(step)
        self._host.setup.emit(StepFinished(step, replayed=False))

    async def _write(self, step: StepResult) -> None:
        try:
            pending = self._host.setup.journal.record(step)
            if pending is not None:
                with self._host.under_way():
                    await await_record(pending)
        except Exception as error:
            self.stop_unrecorded(step.key, error)
            raise RunStopped("A step could not be recorded.") from error

    def stop_unrecorded(self, key: str, error: Exception) -> None:
        """End the run: nothing may depend on a step that was not recorded."""
        logger.warning("The record of step %s could not be written: %r", key, error)
        message = "The record of a step could not be written, so the execution was stopped there."
        self._host.stop(ErrorInfo("journal", message, self._block.id, key))

    def _system(self, agent: Agent) -> str:
        source = agent.system_prompt
        if not source.strip():
            return f"You are {agent.name or agent.id}, a {agent.role}. Do the task you are given."
        return json_text(self._rendered(source, agent))

    def _names_for(self, compiled: Compiled, agent: Agent | None = None) -> dict[str, Any]:
        """The names for an expression, as the agent or the block sees them. The outputs of other
        blocks are collected only if the expression reads them.
        """
        if compiled.reads_blocks:
            names = {**self._scope(), "incoming": self._incoming}
        elif self._names_without_blocks is None:
            names = self._names_without_blocks = self._host.scope(None)
            names["incoming"] = self._incoming
        else:
            names = self._names_without_blocks
        if agent is None:
            return names
        return {**names, "incoming": incoming_value(self._seen_by(agent))}

    def _scope(self) -> dict[str, Any]:
        """With the outputs of the blocks upstream, as this block gets them."""
        names, edited = self._host.scope(self._block.ancestors), self._block.edited
        if edited:
            given = {name: {"output": value} for name, value in edited.items()}
            names["blocks"] = {**names["blocks"], **given}
        return names

    def _seen_by(self, agent: Agent | None) -> list[Delivery]:
        return seen_by(self._block.block, None if agent is None else agent.id, self._arrivals)
