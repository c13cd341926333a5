"""One step that asks a model: the chain of models, tries, the correction, and what it all cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from designs.graph.spec import Agent
from designs.patterns.base import Part
from executor.engine.budget import Budget
from executor.engine.context import Setup
from executor.engine.events import ErrorInfo, StepFailed, StepStarted, TextDelta
from executor.engine.failures import INTERNAL, RunStopped, StepFailure
from executor.engine.journal import StepResult
from executor.engine.limits import LimitReached
from executor.engine.llm.base import ErrorKind, Model, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.structured import readable_value
from executor.engine.retry import Tries
from executor.engine.spending import Spending

CALL_SECONDS = 120.0
# So much of a refused answer is quoted in the correction.
QUOTED_CHARACTERS = 2_000
ONLY_JSON = "Give only JSON that fits: no fence, no other words."

NO_MODEL = "no language model is set up; name one in the design or in ORCHESTRA_MODEL."
STOPPED = "The call was stopped before its answer came."


class Host(Protocol):
    """What a step needs of the run it belongs to."""

    setup: Setup
    budget: Budget

    def stop(self, error: ErrorInfo) -> None:
        """End the whole run with this error."""
        ...


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """When a step is given up, in the loop's time, and the sentence for it."""

    at: float
    sentence: str


# Not frozen, though nobody changes one: see StepResult.
@dataclass(slots=True)
class Question:
    """What is asked, of which agent, under which step key. `models` is the fallback chain.

    `deadline` is the nearest one in the loop's time, `call_seconds` the longest one call may take.
    With a `limit` the step fails alone when its time is over.
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
    # Whether an answer that does not fit after its correction is an answer all the same.
    lenient: bool = False


class StepRun:
    """One question under way; `earlier` is the failed step whose spending it goes on from."""

    __slots__ = ("_host", "_model", "_parts", "_question", "_spending", "_started", "_whole")

    def __init__(self, host: Host, question: Question, earlier: StepResult | None = None) -> None:
        self._host = host
        self._question = question
        self._parts = question.parts
        self._spending = Spending(earlier)
        self._model = ""
        self._started = host.setup.timing.now()
        # Whether streaming is what broke the last try.
        self._whole = False

    async def result(self) -> StepResult:
        """The finished step, not yet recorded.

        Raises StepFailure when tries, models or time are spent, RunStopped when a limit is reached.
        """
        question = self._question
        self._host.setup.emit(
            StepStarted(
                question.key, question.block_id, question.agent.id, question.purpose, self._started
            )
        )
        try:
            answer = await self._answer()
        except ModelError as error:
            misfit = self._misfit(error)
            if misfit is None:
                raise StepFailure(question.agent.id, self._info(error)) from error
            answer = misfit
        except LimitReached as limit:
            self._host.stop(self._limit_info(limit))
            self._spending.note(self._model, "limit", limit.message, self._now())
            raise RunStopped(limit.message) from limit
        output = answer.text if question.schema is None else answer.value
        return self._step(answer.model, answer.text, output, finish_reason=answer.finish_reason)

    def failed_step(self, error: BaseException) -> StepResult | None:
        """The record of a step that `result` gave up with this error; None if it did nothing."""
        spending = self._spending
        if isinstance(error, asyncio.CancelledError):
            spending.note(self._model, "stopped", STOPPED, self._now())
        elif not isinstance(error, StepFailure | RunStopped):
            spending.note(self._model, "internal", INTERNAL, self._now())
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

    def _answer(self) -> Awaitable[ModelAnswer]:
        limit = self._question.limit
        return self._first_answer() if limit is None else self._answer_in_time(limit)

    async def _answer_in_time(self, limit: TimeLimit) -> ModelAnswer:
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
        """The answer of the first model of the chain that gives one."""
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
        """Ask one model until it answers, or its tries are spent."""
        # A correction is about what the model said itself, and how it streams is its own matter.
        self._parts, self._whole = self._question.parts, False
        self._model = model.name
        tries = Tries(self._question.retries, self._host.setup.timing, has_fallback=has_fallback)
        while True:
            try:
                return await self._call(model)
            except ModelError as error:
                wait = tries.wait_after(error, self._seconds_left())
                final = wait is None and not has_fallback and self._misfit(error) is None
                self._failed(error, final=final)
                if wait is None:
                    raise
                self._whole = self._whole or error.only_streaming
                self._correct(error)
            if wait:
                await self._host.setup.timing.sleep(wait)

    async def _call(self, model: Model) -> ModelAnswer:
        question, budget = self._question, self._host.budget
        if budget.needs_prices and not await model.has_price():
            raise LimitReached(
                "cost_usd",
                f"The cost of {model.name} is unknown, so a limit of cost cannot be kept: "
                "give it a price in its connection, or limit tokens.",
            )
        call = self._spending.begin(budget)
        request = ModelRequest(
            call_key=f"{self._host.setup.execution_id}:{question.key}",
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
        )
        try:
            answer = await model.complete(request, self._delta())
            call.answered(answer, request)
        except ModelError as error:
            call.failed(error, request)
            raise
        finally:
            call.end()
        return answer

    def _misfit(self, error: ModelError) -> ModelAnswer | None:
        """The refused answer, if the question takes one that does not fit."""
        if not self._question.lenient or error.kind is not ErrorKind.CONTENT or not error.spent:
            return None
        return replace(error.spent, value=readable_value(error.spent))

    def _correct(self, error: ModelError) -> None:
        """Say in the next try what was wrong with the answer of the last one."""
        if error.kind is not ErrorKind.CONTENT:
            return
        wrong = "" if error.spent is None else error.spent.text[:QUOTED_CHARACTERS]
        how = "" if self._question.schema is None else f" {ONLY_JSON}"
        note = f"Your last answer does not fit: {error.message} Answer again.{how}"
        self._parts = (
            *self._question.parts,
            Part("Your last answer", wrong),
            Part("Correction", note),
        )

    def _delta(self) -> Callable[[str], None] | None:
        setup, question = self._host.setup, self._question
        if question.schema is not None or not setup.stream():
            return None

        def tell(text: str) -> None:
            setup.emit(TextDelta(question.key, question.block_id, question.agent.id, text))

        return tell

    def _failed(self, error: ModelError, *, final: bool) -> None:
        question, setup, now = self._question, self._host.setup, self._now()
        self._spending.note(self._model, error.kind.value, error.message, now)
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
        return ErrorInfo(error.kind.value, message, question.block_id, question.key)

    def _limit_info(self, limit: LimitReached) -> ErrorInfo:
        return ErrorInfo("limit", limit.message, self._question.block_id, self._question.key)

    def _prompt(self) -> dict[str, Any]:
        return {
            "system": self._question.system,
            "parts": [{"label": part.label, "value": part.value} for part in self._parts],
        }

    def _now(self) -> float:
        return self._host.setup.timing.now()

    def _seconds_left(self) -> float | None:
        deadline = self._question.deadline
        return None if deadline is None else deadline - asyncio.get_running_loop().time()
