"""A question to an agent with tools: requests and calls in turn, until there is an answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from designs.graph.spec import Agent
from executor.engine.deployment_tools import deployment_tools
from executor.engine.events import ErrorInfo
from executor.engine.failures import StepFailure
from executor.engine.journal import StepResult, bounded_key
from executor.engine.llm.tool_use import (
    FINAL_ANSWER,
    ToolCall,
    ToolSpec,
    ToolUse,
    Turn,
    calls_of,
)
from executor.engine.step_run import Question
from executor.engine.tool_calls import CallHost, ToolCalls
from executor.engine.tools import OfferedTool, ToolsMissing, digest_of, wire_names
from executor.engine.words import counted

CALLS_AT_ONCE = 8
# An equal call is made so often; then its first result stands.
EQUAL_CALLS = 2

LAST = "You can call no more tools. Answer now, with what there is."
ALONE = (
    f"Not taken as the answer: other tools were called with it. Read what they gave, then call "
    f"{FINAL_ANSWER} alone."
)


class LoopHost(CallHost, Protocol):
    """The block's run, as the loop sees it."""

    async def perform(self, question: Question) -> StepResult:
        """Ask and record. Raises StepFailure, RunStopped."""
        ...

    def degrade_agent(self, agent: Agent, reason: str) -> None: ...


class ToolLoop:
    """One question. `make` gives the question of a turn by its step key and its tools."""

    def __init__(
        self, host: LoopHost, agent: Agent, key: str, make: Callable[[str, ToolUse], Question]
    ) -> None:
        self._host = host
        self._agent = agent
        self._key = key
        self._make = make
        self._offered: dict[str, OfferedTool] | None = None
        self._turns: list[Turn] = []
        self._calls = 0
        self._by_tool: Counter[str] = Counter()
        # The equal calls so far, and the results of the first of them.
        self._equal: Counter[str] = Counter()
        self._results: dict[str, StepResult] = {}
        # The tools that answered in earlier turns.
        self._answered: set[str] = set()
        self._at_once = asyncio.Semaphore(CALLS_AT_ONCE)

    async def answer(self) -> StepResult:
        """The step with the answer; all turns and calls before it are recorded.

        Raises StepFailure, RunStopped.
        """
        number = 1
        while True:
            key = self._key if number == 1 else bounded_key(f"{self._key}.{number}")
            step = self._host.recall(key)
            if step is None:
                step = await self._ask(key, number)
            if reason := limit_noted_in(step):
                self._host.degrade_agent(self._agent, reason)
            if not step.calls:
                return step
            self._host.budget.check()
            results = await self._called(key, step)
            turn = Turn(step.model or "", step.text or "", calls_of(step.calls), results, step.said)
            self._turns.append(turn)
            number += 1

    # --- Requests ---------------------------------------------------------------------------------

    async def _ask(self, key: str, number: int) -> StepResult:
        limit = self._limit_reached(number)
        tools = await self._specs()
        use = ToolUse(
            tools=tools,
            turns=tuple(self._turns),
            may_call=not limit,
            remarks=(LAST,) if limit else (),
            limit=limit,
        )
        return await self._host.perform(self._make(key, use))

    def _limit_reached(self, number: int) -> str:
        """Why this request is the last one, without tools; empty if it is not."""
        limits, who = self._agent.tool_limits, self._agent.name or self._agent.id
        if number > limits.turns:
            used = counted(limits.turns, "turn")
        elif self._calls >= limits.calls:
            used = counted(limits.calls, "tool call")
        elif self._host.budget.tool_calls_left <= 0:
            most = counted(self._host.setup.limits.tool_calls, "tool call")
            return f"{who} could call no more tools: the run has made its {most}."
        else:
            return ""
        return f"{who} could call no more tools: it used its {used}."

    async def _tools(self) -> dict[str, OfferedTool]:
        if self._offered is None:
            names = [tool.name for tool in self._agent.named_tools()]
            setup = self._host.setup
            try:
                # Several calls of a turn may come here at once: it is set when it is whole.
                offered = deployment_tools(names, setup.nested)
                others = [name for name in names if name not in offered]
                if others:
                    with self._host.under_way():
                        offered |= await setup.tools.offered(others)
            except ToolsMissing as error:
                who = self._agent.name or self._agent.id
                info = ErrorInfo("tools", f"agent '{who}': {error}", self._host.block_id, self._key)
                raise StepFailure(self._agent.id, info) from error
            self._offered = offered
        return self._offered

    async def _specs(self) -> tuple[ToolSpec, ...]:
        offered = await self._tools()
        wires = wire_names(offered)
        return tuple(
            ToolSpec(tool.name, wires[tool.name], tool.description, tool.input_schema, tool.effect)
            for tool in offered.values()
        )

    # --- Calls ------------------------------------------------------------------------------------

    async def _called(self, key: str, step: StepResult) -> list[tuple[str, bool]]:
        """What came of the calls of a turn, in their order."""
        maker = ToolCalls(self._host, self._agent, step, self._tools, self._answered, self._at_once)
        calls = calls_of(step.calls)
        keys = [bounded_key(f"{key}/tool.{number}") for number in range(1, len(calls) + 1)]
        digests = [digest_of(call.name, call.arguments) for call in calls]
        tasks, repeated = {}, []
        for place, (call, digest) in enumerate(zip(calls, digests, strict=True)):
            self._equal[digest] += 1
            refusal = self._refusal(call)
            if not refusal and self._equal[digest] > EQUAL_CALLS:
                repeated.append(place)
            else:
                tasks[place] = asyncio.ensure_future(maker.make(keys[place], call, refusal))
        done = dict(zip(tasks, await _all(list(tasks.values())), strict=True))
        for place in tasks:
            self._results.setdefault(digests[place], done[place])
        for place in repeated:
            earlier = self._results[digests[place]]
            done[place] = await maker.repeat(keys[place], calls[place], earlier)
        self._answered.update(s.tool or "" for s in done.values() if _has_answered(s))
        return [result_of(done[place]) for place in range(len(calls))]

    def _refusal(self, call: ToolCall) -> str:
        """Why the call is not made, by the limits and the form of the question; else empty."""
        self._calls += 1
        self._by_tool[call.name] += 1
        limits = self._agent.tool_limits
        rules = next((t for t in self._agent.named_tools() if t.name == call.name), None)
        if call.name == FINAL_ANSWER:
            return ALONE
        if self._calls > limits.calls:
            return f"Not called: {counted(limits.calls, 'tool call')} may be made, and were."
        most = rules.most_calls if rules is not None else None
        if most is not None and self._by_tool[call.name] > most:
            return f"Not called: {call.name} may be called {counted(most, 'time')}, and was."
        return ""


async def _all(tasks: Sequence[asyncio.Task[StepResult]]) -> list[StepResult]:
    """All results: one call that fails loses none of the others. Raises the first error then."""
    try:
        found = await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        for task in tasks:
            task.cancel()
    results = []
    for one in found:
        if isinstance(one, BaseException):
            raise one
        results.append(one)
    return results


def limit_noted_in(step: StepResult) -> str:
    """Why the request of this step was the last one, as it was recorded."""
    prompt: Any = step.prompt
    return str(prompt.get("limit", "")) if isinstance(prompt, dict) else ""


def result_of(step: StepResult) -> tuple[str, bool]:
    output: Any = step.output if isinstance(step.output, dict) else {}
    return str(output.get("content", "")), bool(output.get("is_error"))


def _has_answered(step: StepResult) -> bool:
    output: Any = step.output if isinstance(step.output, dict) else {}
    return output.get("outcome") in ("done", "error")
