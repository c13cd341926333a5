"""One step that asks a model: the fallback chain, retries, a correction, and the cost of all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from designs.graph.spec import Agent
from designs.patterns.base import Part
from executor.engine.budget import Budget
from executor.engine.context import Setup
from executor.engine.events import ErrorInfo, StepFailed, StepStarted, TextDelta
from executor.engine.failures import INTERNAL, RunStopped, StepFailure
from executor.engine.journal import FailedTry, StepResult
from executor.engine.limits import LimitReached
from executor.engine.llm.base import ErrorKind, Model, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.structured import readable_value
from executor.engine.llm.tool_use import ToolUse, calls_json
from executor.engine.retry import Tries
from executor.engine.spending import Spending

CALL_SECONDS = 120.0
# Of a refused answer, in the correction.
QUOTED_CHARACTERS = 2_000
ONLY_JSON = "Give only JSON that fits: no fence, no other words."

NO_MODEL = "no language model is set up; name one in the design or in ORCHESTRA_MODEL."
STOPPED = "The call was stopped before its answer came."


class Host(Protocol):
    """The run, as a step sees it."""

    setup: Setup
    budget: Budget

    def stop(self, error: ErrorInfo) -> None: ...


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """When a step is given up, in the loop's time, and the sentence for it."""

    at: float
    sentence: str


# Never changed, but not frozen: see StepResult.
@dataclass(slots=True)
class Question:
    """What is asked, of which agent, under which step key. `models` is the fallback chain.

    `deadline` is the nearest one in the loop's time, `call_seconds` the timeout of one call.
    When `limit` passes, only this step fails.
    """

    key: str
    block_id: str
    agent: Agent
    round_number: int
    purpose: str
    system: str
    parts: tuple[Part, ...]
    schema: dict[str, Any] | None
    models: Sequence[str]
    retries: int
    call_seconds: float
    deadline: float | None
    limit: TimeLimit | None = None
    # Whether an answer is accepted that does not fit the schema even after its correction.
    lenient: bool = False
    tool_use: ToolUse | None = None


class StepRun:
    """One question being asked; `earlier` is the same step's failed attempt, whose spending it
    continues.
    """

    __slots__ = (
        "_asked_at", "_host", "_model", "_number", "_parts", "_question", "_spending", "_started",
        "_whole",
    )  # fmt: skip

    def __init__(self, host: Host, question: Question, earlier: StepResult | None = None) -> None:
        self._host = host
        self._question = question
        self._parts = question.parts
        self._spending = Spending(earlier)
        self._model = ""
        self._started = host.setup.timing.now()
        # The last call: its number, and when it was made, None once it is noted as failed.
        self._number = 0
        self._asked_at: float | None = None
        # Whether the last try failed only because it streamed.
        self._whole = False

    async def result(self) -> StepResult:
        """The finished step, not yet recorded.

        Raises StepFailure when tries, models or time are spent, RunStopped when a limit is reached.
        """
        question, limit = self._question, self._question.limit
        try:
            answer = await (self._first_answer() if limit is None else self._answer_by(limit))
        except ModelError as error:
            misfit = self._misfit(error)
            if misfit is None:
                raise StepFailure(question.agent.id, self._info(error)) from error
            answer = misfit
        except LimitReached as reached:
            message = reached.message
            self._host.stop(ErrorInfo("limit", message, question.block_id, question.key))
            self._note("limit", message, self._now())
            raise RunStopped(message) from reached
        output = answer.text if question.schema is None else answer.value
        step = self._step(answer.model, answer.text, output, finish_reason=answer.finish_reason)
        if answer.calls:
            step.calls, step.said = calls_json(answer.calls), answer.said
        return step

    def failed_step(self, error: BaseException) -> StepResult | None:
        """The record of a step that failed with this error; None if it sent no call."""
        spending = self._spending
        if isinstance(error, asyncio.CancelledError):
            self._note("stopped", STOPPED, self._now())
        elif not isinstance(error, StepFailure | RunStopped):
            self._note("internal", INTERNAL, self._now())
        if isinstance(error, StepFailure) or spending.calls:
            return self._step(self._model, None, None, status="failed")
        return None

    def _step(
        self,
        model: str,
        text: str | None,
        output: Any,
        *,
        status: Literal["completed", "failed"] = "completed",
        finish_reason: str | None = None,
    ) -> StepResult:
        question, spending = self._question, self._spending
        return StepResult(
            key=question.key,
            block_id=question.block_id,
            agent_id=question.agent.id,
            round_number=question.round_number,
            purpose=question.purpose,
            model=model,
            prompt=self._prompt(),
            text=text,
            output=output,
            input_tokens=spending.input_tokens,
            output_tokens=spending.output_tokens,
            cost_usd=spending.cost,
            tries=spending.calls,
            started_at=self._started,
            finished_at=self._now(),
            status=status,
            finish_reason=finish_reason,
            is_estimated=spending.is_estimated,
            failures=tuple(spending.failures),
        )

    def _prompt(self) -> dict[str, Any]:
        """What was asked, as it is recorded: of a later turn, only what is new."""
        question, use, parts = self._question, self._question.tool_use, self._parts
        prompt: dict[str, Any] = {"system": question.system}
        if use is not None and use.turns:
            prompt["system"] = ""
            notes = tuple(Part("Note", remark) for remark in use.remarks)
            parts = (*notes, *parts[len(question.parts) :])
        prompt["parts"] = [{"label": part.label, "value": part.value} for part in parts]
        if use is not None:
            prompt["tools"] = [tool.name for tool in use.tools] if use.may_call else []
            prompt |= {"limit": use.limit} if use.limit else {}
        return prompt

    async def _answer_by(self, limit: TimeLimit) -> ModelAnswer:
        try:
            async with asyncio.timeout_at(limit.at) as clock:
                return await self._first_answer()
        except TimeoutError:
            if not clock.expired():
                raise
            error = ModelError(ErrorKind.TIMEOUT, limit.sentence)
            self._failed(error, final=True)
            raise error from None

    async def _first_answer(self) -> ModelAnswer:
        failure = ModelError(ErrorKind.UNAVAILABLE, NO_MODEL)
        names = self._question.models
        for position, name in enumerate(names, start=1):
            last = position == len(names)
            self._model = name
            try:
                model = self._host.setup.models.resolve(name)
            except ModelError as error:
                failure = error
                self._failed(error, final=last)
                continue
            try:
                return await self._ask(model, has_fallback=not last)
            except ModelError as error:
                failure = error
        raise failure

    async def _ask(self, model: Model, *, has_fallback: bool) -> ModelAnswer:
        question, timing = self._question, self._host.setup.timing
        # Corrections and trouble with streaming concern one model only.
        self._parts, self._whole = question.parts, False
        self._model = model.name
        tries = Tries(question.retries, timing, has_fallback=has_fallback)
        while True:
            try:
                return await self._call(model)
            except ModelError as error:
                seconds_left = None
                if question.deadline is not None:
                    seconds_left = question.deadline - asyncio.get_running_loop().time()
                wait = tries.wait_after(error, seconds_left)
                final = wait is None and not has_fallback and self._misfit(error) is None
                self._failed(error, final=final, wait=wait)
                if wait is None:
                    raise
                self._whole = self._whole or error.only_streaming
                if error.kind is ErrorKind.CONTENT:
                    # The next try says what was wrong with this answer.
                    wrong = "" if error.spent is None else error.spent.text[:QUOTED_CHARACTERS]
                    how = "" if question.schema is None else f" {ONLY_JSON}"
                    note = f"Your last answer does not fit: {error.message} Answer again.{how}"
                    correction = (Part("Your last answer", wrong), Part("Correction", note))
                    self._parts = (*question.parts, *correction)
            if wait:
                await timing.sleep(wait)

    async def _call(self, model: Model) -> ModelAnswer:
        question, setup, budget = self._question, self._host.setup, self._host.budget
        if budget.needs_prices and not await model.has_price():
            raise LimitReached(
                f"The cost of {model.name} is unknown, so a limit of cost cannot be kept: "
                "give it a price in its connection, or limit tokens.",
            )
        call = self._spending.begin(budget)
        request = ModelRequest(
            call_key=f"{setup.execution_id}:{question.key}",
            system=question.system,
            parts=self._parts,
            purpose=question.purpose,
            role=question.agent.role,
            agent_name=question.agent.name.strip() or question.agent.id,
            schema=question.schema,
            timeout_seconds=question.call_seconds,
            max_output_tokens=question.agent.max_output_tokens,
            whole=self._whole,
            on_sent=call.sent,
            tool_use=question.tool_use,
        )
        if (use := question.tool_use) is not None and use.turns:
            # What was wrong with the last answer is said at the end of the conversation.
            remarks = [f"{p.label}:\n{p.value}" for p in self._parts[len(question.parts) :]]
            request.parts = question.parts
            request.tool_use = replace(use, remarks=(*use.remarks, *remarks))

        def emit_text(text: str) -> None:
            setup.emit(TextDelta(question.key, question.block_id, question.agent.id, text))

        try:
            self._emit_started()
            streams = question.schema is None and setup.stream()
            answer = await model.complete(request, emit_text if streams else None)
            call.answered(answer, request)
        except ModelError as error:
            call.failed(error, request)
            raise
        finally:
            call.end()
        return answer

    def _emit_started(self) -> None:
        self._number += 1
        question, number = self._question, self._number
        now = self._asked_at = self._now()
        self._host.setup.emit(
            StepStarted(
                question.key,
                question.block_id,
                question.agent.id,
                question.purpose,
                question.round_number,
                number,
                now,
            )  # fmt: skip
        )

    def _misfit(self, error: ModelError) -> ModelAnswer | None:
        """The refused answer, if the question accepts one that does not fit."""
        if not self._question.lenient or error.kind is not ErrorKind.CONTENT or not error.spent:
            return None
        return replace(error.spent, value=readable_value(error.spent))

    def _note(
        self,
        kind: str,
        message: str,
        now: float,
        wait: float | None = None,
        status: int | None = None,
    ) -> None:
        asked_at, self._asked_at = self._asked_at, None
        ms = None if asked_at is None else round((now - asked_at) * 1000)
        next_ms = None if wait is None else round(wait * 1000)
        self._spending.note(FailedTry(self._model, kind, message, now, ms, next_ms, status))

    def _failed(self, error: ModelError, *, final: bool, wait: float | None = None) -> None:
        question, setup, now = self._question, self._host.setup, self._now()
        self._note(error.kind.value, error.message, now, wait, error.status)
        setup.emit(
            StepFailed(
                key=question.key,
                block_id=question.block_id,
                agent_id=question.agent.id,
                error=self._info(error),
                tries=self._spending.calls,
                final=final,
                at=now,
            )
        )

    def _info(self, error: ModelError) -> ErrorInfo:
        question = self._question
        who = question.agent.name or question.agent.id
        message = f"agent '{who}' got no answer: {error.message}"
        return ErrorInfo(
            error.kind.value,
            message,
            question.block_id,
            question.key,
            model=self._model or None,
            tries=tuple(self._spending.failures),
        )

    def _now(self) -> float:
        return self._host.setup.timing.now()
