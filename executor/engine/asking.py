"""One step that asks a model: the chain of models, tries, the correction, and what it all cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from designs.graph.spec import Agent
from designs.patterns.base import Part
from executor.engine.budget import Budget
from executor.engine.context import Setup
from executor.engine.events import ErrorInfo, StepFailed, StepStarted, TextDelta
from executor.engine.failures import RunStopped, StepFailure
from executor.engine.journal import StepResult
from executor.engine.limits import LimitReached
from executor.engine.llm.base import ErrorKind, Model, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.structured import readable_value
from executor.engine.retry import Tries

CALL_SECONDS = 120.0
# So much of a refused answer is quoted in the correction.
QUOTED_CHARACTERS = 2_000
ONLY_JSON = "Give only JSON that fits: no fence, no other words."


class Host(Protocol):
    """What a step needs of the run it belongs to."""

    setup: Setup
    budget: Budget

    def stop(self, error: ErrorInfo) -> None:
        """End the whole run with this error."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which agent, under which step key. `models` is the fallback chain.

    `deadline` is the nearest one in the loop's time, `call_seconds` the longest one call may take.
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
    # Whether an answer that does not fit after its correction is an answer all the same.
    lenient: bool = False


class Asking:
    """One question under way."""

    __slots__ = (
        "_calls",
        "_cost",
        "_host",
        "_input_tokens",
        "_output_tokens",
        "_parts",
        "_question",
        "_whole",
    )

    def __init__(self, host: Host, question: Question) -> None:
        self._host = host
        self._question = question
        self._parts = question.parts
        self._calls = 0
        self._input_tokens = 0
        self._output_tokens = 0
        self._cost: Decimal | None = None
        # Whether streaming is what broke the last try.
        self._whole = False

    async def result(self) -> StepResult:
        """The finished step, not yet recorded.

        Raises StepFailure when tries and models are spent, RunStopped when a limit is reached.
        """
        question, timing = self._question, self._host.setup.timing
        started = timing.now()
        self._host.setup.emit(
            StepStarted(
                question.key, question.block_id, question.agent.id, question.purpose, started
            )
        )
        try:
            answer = await self._first_answer()
        except ModelError as error:
            misfit = self._misfit(error)
            if misfit is None:
                raise StepFailure(question.agent.id, self._info(error)) from error
            answer = misfit
        except LimitReached as limit:
            self._host.stop(self._limit_info(limit))
            raise RunStopped(limit.message) from limit
        return StepResult(
            key=question.key,
            block_id=question.block_id,
            agent_id=question.agent.id,
            round_number=question.round_number,
            purpose=question.purpose,
            model=answer.model,
            prompt=self._prompt(),
            text=answer.text,
            output=answer.text if question.schema is None else answer.value,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            cost_usd=self._cost,
            tries=self._calls,
            started_at=started,
            finished_at=timing.now(),
        )

    async def _first_answer(self) -> ModelAnswer:
        """The answer of the first model of the chain that gives one."""
        failure = ModelError(
            ErrorKind.UNAVAILABLE,
            "no language model is set up; name one in the design or in ORCHESTRA_MODEL.",
        )
        names = self._question.models
        for position, name in enumerate(names, start=1):
            last = position == len(names)
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
        budget.begin_call()
        self._calls += 1
        request = ModelRequest(
            call_key=f"{self._host.setup.execution_id}:{question.key}",
            system=question.system,
            parts=self._parts,
            purpose=question.purpose,
            role=question.agent.role,
            schema=question.schema,
            timeout_seconds=question.call_seconds,
            whole=self._whole,
        )
        try:
            answer = await model.complete(request, self._delta())
        except ModelError as error:
            if error.spent is not None:
                self._spend(error.spent)
            raise
        self._spend(answer)
        return answer

    def _spend(self, answer: ModelAnswer) -> None:
        self._input_tokens += answer.input_tokens
        self._output_tokens += answer.output_tokens
        if answer.cost_usd is not None:
            self._cost = answer.cost_usd + (self._cost or 0)
        self._host.budget.add(answer.input_tokens, answer.output_tokens, answer.cost_usd)

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
        question, setup = self._question, self._host.setup
        setup.emit(
            StepFailed(
                key=question.key,
                block_id=question.block_id,
                agent_id=question.agent.id,
                error=self._info(error),
                tries=self._calls,
                final=final,
                at=setup.timing.now(),
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

    def _seconds_left(self) -> float | None:
        deadline = self._question.deadline
        return None if deadline is None else deadline - asyncio.get_running_loop().time()
