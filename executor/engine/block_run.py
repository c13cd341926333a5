"""The engine's side of one block's run: prompts, expressions, journaled model calls."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol

from designs.graph.expressions import Expression, Template
from designs.graph.spec import Agent, Graph
from designs.patterns.base import RUN_INPUT, Answer, Delivery, Part
from executor.engine.compile import CompiledBlock
from executor.engine.context import Timing
from executor.engine.evaluation import Compiled, Evaluation
from executor.engine.events import ErrorInfo, StepFinished
from executor.engine.failures import RunStopped, StepFailure
from executor.engine.incoming import incoming_value
from executor.engine.journal import StepResult, step_key
from executor.engine.json_text import json_text
from executor.engine.limits import LimitReached
from executor.engine.step_run import CALL_SECONDS, Host, Question, StepRun, TimeLimit
from executor.engine.words import counted

logger = logging.getLogger(__name__)

# A record that is being written when the run is cancelled gets so long to end.
RECORD_GRACE_SECONDS = 5.0
# Of the time a block has left: what stays for handing on what there is.
LAST_SHARE = 0.95
NOTHING: tuple[Any, ...] = (None, "", [], {})

Arrival = tuple[Delivery, str | None]


class BlockHost(Host, Protocol):
    """What a block needs of the run it belongs to."""

    deadline: float | None

    @property
    def graph(self) -> Graph: ...

    def scope(self, ancestors: Sequence[str] | None) -> dict[str, Any]:
        """Names for expressions: `input`, `execution`, and `blocks` with the ancestors' outputs."""
        ...

    def degrade(self, block: CompiledBlock, reason: str, agent: Agent | None = None) -> None:
        """Note why the result is not all that was asked for; of one agent, or of the block."""
        ...

    def models(self, agent: Agent) -> Sequence[str]:
        """The fallback chain of model names for an agent."""
        ...

    def evaluation(self, block: CompiledBlock) -> Evaluation:
        """What computes the block's expressions."""
        ...


class BlockRun:
    """One block's run; the `RunContext` its pattern sees.

    `arrivals` are the taken connections in the document's order, each with the agent it is for
    (None: the whole block). What is for one agent only is seen by that agent only, or by the block
    when it has no other agent.
    """

    __slots__ = (
        "_arrivals",
        "_asked",
        "_block",
        "_deadline",
        "_evaluation",
        "_host",
        "_incoming",
        "_names_without_blocks",
    )

    def __init__(self, host: BlockHost, block: CompiledBlock, arrivals: Sequence[Arrival]) -> None:
        self._host = host
        self._block = block
        self._arrivals = arrivals
        self._incoming = incoming_value(self._seen_by(None))
        self._names_without_blocks: dict[str, Any] | None = None
        self._asked: dict[str, StepResult | None] = {}
        self._deadline = host.deadline
        self._evaluation = host.evaluation(block)

    @property
    def incoming(self) -> Any:
        """What expressions of the block call `incoming`."""
        return self._incoming

    @property
    def graph(self) -> Graph:
        return self._host.graph

    @property
    def timing(self) -> Timing:
        return self._host.setup.timing

    def results(self) -> Mapping[str, Any]:
        blocks = self._host.scope(self._block.ancestors)["blocks"]
        return {name: done["output"] for name, done in blocks.items()}

    def begin(self, now: float) -> None:
        """Set the block's deadline, in the loop's time."""
        seconds = self._block.block.timeout_seconds
        if seconds is not None:
            own = now + seconds
            self._deadline = own if self._deadline is None else min(own, self._deadline)

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
        key = step_key(self._block.id, agent.id, round_number, purpose)
        step = self._asked_before(key)
        if step is None:
            self._asked[key] = None
            try:
                step = self._replayed(key)
                if step is None:
                    question = self._question(
                        key, agent, parts, purpose, round_number, schema, lenient=lenient,
                        later=later,
                    )  # fmt: skip
                    step = await self._perform(question)
            except BaseException:
                del self._asked[key]
                raise
            self._asked[key] = step
            if step.finish_reason == "length":
                self._host.degrade(self._block, cut_off(agent, step), agent)
        return Answer(step.text or "", None if schema is None else step.output)

    async def prepare(self) -> None:
        """Render ahead what would hold the event loop where the pattern asks for it."""
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

    def _rendered(self, source: str, agent: Agent | None) -> Any:
        template = self._block.templates.get(source) or Template.compile(source)
        if template.text is not None:
            return template.text
        whose = "" if agent is None else agent.id
        if self._evaluation.has(template, whose):
            return self._evaluation.prepared(template, whose)
        return self._computed(template, self._names_for(template, agent))

    def _computed(self, compiled: Compiled, names: dict[str, Any]) -> Any:
        """The value. Raises Heavy in a block that can be computed in a thread as a whole."""
        if self._block.instant is not None:
            return self._evaluation.at_once(compiled, names)
        return self._evaluation.in_place(compiled, names)

    def deliveries(self, agent: Agent) -> Sequence[Delivery]:
        return self._seen_by(agent) if self._block.incoming else self._run_input()

    def _run_input(self) -> Sequence[Delivery]:
        """The run's input as a delivery, if the block takes it and there is any."""
        given = self._host.scope(None)["input"] if self._block.takes_input else None
        return () if given in NOTHING else (Delivery(RUN_INPUT, None, given),)

    def degrade(self, reason: str) -> None:
        self._host.degrade(self._block, reason)

    def recall(self, key: str) -> StepResult | None:
        """The step as the journal remembers it; told of, but not counted."""
        step = self._host.setup.journal.recall(key)
        if step is not None:
            self._host.setup.emit(StepFinished(step, replayed=True))
        return step

    def _asked_before(self, key: str) -> StepResult | None:
        """The step as it was answered in this run."""
        if key not in self._asked:
            return None
        step = self._asked[key]
        if step is None:
            raise RuntimeError(f"The step {key} is asked twice at once.")
        return step

    def _replayed(self, key: str) -> StepResult | None:
        step = self.recall(key)
        if step is not None:
            self._check_budget(step)
        return step

    async def _perform(self, question: Question) -> StepResult:
        journal = self._host.setup.journal
        step_run = StepRun(self._host, question, journal.recall_failed(question.key))
        try:
            step = await step_run.result()
        except StepFailure as failure:
            if (failed := step_run.failed_step(failure)) is not None:
                await self._record(failed)
            raise
        except BaseException as error:
            if (failed := step_run.failed_step(error)) is not None:
                self._record_unawaited(failed)
            raise
        await self.keep(step)
        self._check_budget(step)
        return step

    async def keep(self, step: StepResult) -> None:
        """Record a step and tell of it. Raises RunStopped when it could not be recorded."""
        await self._record(step)
        self._host.setup.emit(StepFinished(step, replayed=False))

    def _record_unawaited(self, step: StepResult) -> None:
        """Record a step of a block that is being stopped: nobody waits for it but the run's end."""
        try:
            pending = self._host.setup.journal.record(step)
        except Exception as error:  # noqa: BLE001 - whatever keeps a journal from writing is told
            logger.warning("The record of step %s could not be written: %r", step.key, error)
            return
        if pending is not None:
            asyncio.ensure_future(pending).add_done_callback(_look_at)

    async def _record(self, step: StepResult) -> None:
        try:
            pending = self._host.setup.journal.record(step)
            if pending is not None:
                await kept(pending)
        except Exception as error:
            self.refuse(step.key, error)
            raise RunStopped("A step could not be recorded.") from error

    def refuse(self, key: str, error: Exception) -> None:
        """End the run: a step that nobody remembers must not be built upon."""
        logger.warning("The record of step %s could not be written: %r", key, error)
        message = "The record of a step could not be written, so the execution was stopped there."
        self._host.stop(ErrorInfo("journal", message, self._block.id, key))

    def _check_budget(self, step: StepResult) -> None:
        try:
            self._host.budget.check()
        except LimitReached as limit:
            self._host.stop(ErrorInfo("limit", limit.message, self._block.id, step.key))
            raise RunStopped(limit.message) from limit

    def _question(
        self,
        key: str,
        agent: Agent,
        parts: Sequence[Part],
        purpose: str,
        round_number: int,
        schema: dict[str, Any] | None,
        *,
        lenient: bool,
        later: int | None,
    ) -> Question:
        block = self._block.block
        limit = self._time_limit(agent, later)
        return Question(
            key=key,
            block_id=block.id,
            agent=agent,
            round_number=round_number,
            purpose=purpose,
            system=self._system(agent),
            parts=tuple(parts),
            schema=schema,
            models=self._host.models(agent),
            retries=block.retries,
            call_seconds=_least(block.timeout_seconds, agent.timeout_seconds) or CALL_SECONDS,
            deadline=_least(self._deadline, None if limit is None else limit.at),
            limit=limit,
            lenient=lenient,
        )

    def _time_limit(self, agent: Agent, later: int | None) -> TimeLimit | None:
        """When the agent's answer is given up, though the block goes on: by its own time, or by its
        share of what the block has left.
        """
        if agent.timeout_seconds is None and (later is None or self._deadline is None):
            return None
        now = asyncio.get_running_loop().time()
        limits = []
        if agent.timeout_seconds is not None:
            own = counted(agent.timeout_seconds, "second")
            limits.append(
                TimeLimit(now + agent.timeout_seconds, f"it took longer than its limit of {own}.")
            )
        if later is not None and self._deadline is not None:
            # An own limit replaces the share, but cannot outlast the block.
            left = self._deadline - now
            share = LAST_SHARE if limits else share_of_time(later)
            sentence = "it was not there in its share of the time that was left."
            limits.append(TimeLimit(now + left * share, sentence))
        return min(limits, key=lambda limit: limit.at, default=None)

    def _system(self, agent: Agent) -> str:
        """The agent's system prompt, rendered with what this agent may see."""
        source = agent.system_prompt
        if not source.strip():
            return f"You are {agent.name or agent.id}, a {agent.role}. Do the task you are given."
        return json_text(self._rendered(source, agent))

    def _names_for(self, compiled: Compiled, agent: Agent | None = None) -> dict[str, Any]:
        """The names for an expression, as the agent sees them or the block."""
        names = self._names(compiled)
        if agent is None:
            return names
        return {**names, "incoming": incoming_value(self._seen_by(agent))}

    def _names(self, compiled: Compiled) -> dict[str, Any]:
        """The blocks above are gathered only if an expression reads them."""
        if compiled.reads_blocks:
            return {**self._host.scope(self._block.ancestors), "incoming": self._incoming}
        names = self._names_without_blocks
        if names is None:
            names = self._host.scope(None)
            names["incoming"] = self._incoming
            self._names_without_blocks = names
        return names

    def _seen_by(self, agent: Agent | None) -> list[Delivery]:
        arrivals = self._arrivals
        if len(self._block.block.agents) == 1:
            return [delivery for delivery, _ in arrivals]
        own = None if agent is None else agent.id
        return [delivery for delivery, target in arrivals if target is None or target == own]


def _least(one: float | None, other: float | None) -> float | None:
    """The smaller one, if both are given."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def share_of_time(later: int) -> float:
    """Which part of the time that is left an answer may take, if so many come after it."""
    return LAST_SHARE if later == 0 else 1.5 / (later + 1)


def cut_off(agent: Agent, step: StepResult) -> str:
    """That an answer ends where its limit was, in a sentence."""
    limit, who = agent.max_output_tokens, agent.name or agent.id
    if limit is not None and (step.is_estimated or step.output_tokens >= limit):
        return f"The answer of {who} was cut off at its limit of {counted(limit, 'token')}."
    return f"The answer of {who} was cut off at the length limit of {step.model}."


def _look_at(future: asyncio.Future[None]) -> None:
    """So that nobody is told of an error that was never looked at."""
    if not future.cancelled():
        future.exception()


async def kept(pending: Awaitable[None]) -> None:
    """Wait for a record. When cancelled, it is waited for all the same: the answer was paid for."""
    future = asyncio.ensure_future(pending)
    try:
        await asyncio.shield(future)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([future], timeout=RECORD_GRACE_SECONDS)
        finally:
            future.cancel()
        if future.done():
            _look_at(future)
        raise
