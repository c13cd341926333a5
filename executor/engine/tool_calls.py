"""The calls of one turn: checked, approved, made with their intents, and recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from designs.graph.nesting import Body, body_of_tool
from designs.graph.spec import Agent
from designs.patterns.base import Need
from executor.engine.budget import Budget
from executor.engine.context import Setup
from executor.engine.events import ErrorInfo, ToolChanged
from executor.engine.failures import NestedFailure, StepFailure
from executor.engine.journal import FailedTry, StepResult, bounded_key
from executor.engine.json_text import json_text
from executor.engine.llm.structured import SchemaUnusable, beginning, problems
from executor.engine.llm.tool_use import ToolCall
from executor.engine.records import IntentHost, intend
from executor.engine.retry import backoff
from executor.engine.tools import OfferedTool, ToolCallError, ToolResult, digest_of

# Tries of a call that broke off, after the first.
MAX_RETRIES = 2
GRACE = 1.2
DECISION_SECONDS = 3 * 86_400.0
DIGEST_CHARACTERS = 12
# Of the mark where a result was cut, at most.
MARK_CHARACTERS = 60
STRICTNESS = ("never", "after_untrusted", "always")


class CallHost(IntentHost, Protocol):
    """The block's run, as a call sees it."""

    @property
    def budget(self) -> Budget: ...
    @property
    def block_id(self) -> str: ...
    @property
    def retries(self) -> int: ...

    def recall(self, key: str) -> StepResult | None: ...

    async def record(self, step: StepResult) -> None: ...

    async def settled(self, need: Need) -> Mapping[str, Any]: ...

    async def play_tool(self, body: Body, value: Any, key: str) -> Any: ...


@dataclass(slots=True)
class _Made:
    """What becomes of one call: its tries so far, and why they gave no answer."""

    key: str
    call: ToolCall
    started: float
    tries: int = 0
    failures: list[FailedTry] = field(default_factory=list)


Tools = Callable[[], Awaitable[dict[str, OfferedTool]]]


class ToolCalls:
    """`step` is the model's answer with the calls. `answered` are the tools that answered in the
    turns before: what the model read when it asked for these calls.
    """

    def __init__(
        self,
        host: CallHost,
        agent: Agent,
        step: StepResult,
        tools: Tools,
        answered: Collection[str],
        at_once: asyncio.Semaphore,
    ) -> None:
        self._host = host
        self._agent = agent
        self._step = step
        self._tools = tools
        self._answered = frozenset(answered)
        self._at_once = at_once

    async def make(self, key: str, call: ToolCall, refusal: str = "") -> StepResult:
        """The recorded step of the call. Raises StepFailure if its outcome is unknown and the agent
        fails by that, RunStopped.
        """
        step = self._host.recall(key)
        if step is not None:
            return step
        made = _Made(key, call, self._now())
        if refusal:
            return await self._record(made, not_called(refusal))
        tools = await self._tools()
        tool = tools.get(call.name)
        if tool is None:
            names = ", ".join(tools)
            return await self._record(made, not_called(f"There is no tool {call.name}: {names}."))
        if wrong := misfit(call, tool):
            return await self._record(made, not_called(wrong))
        result = await self._refused(made, tool, tools)
        if result is None and not self._host.budget.begin_tool_call(key):
            most = self._host.setup.limits.tool_calls
            result = not_called(f"Not called: the run has made its {most} tool calls.")
        if result is None:
            self._emit(made, "started")
            body = body_of_tool(tool.name)
            result = await (self._result(made, tool) if body is None else self._play(made, body))
            result = cut(result, tool.most_result_characters)
        return await self._record(made, result)

    async def repeat(self, key: str, call: ToolCall, earlier: StepResult) -> StepResult:
        """An equal call once more: the earlier result stands."""
        step = self._host.recall(key)
        if step is not None:
            return step
        output: Any = earlier.output
        content = f"Not called again: this call was made before, and gave:\n{output['content']}"
        result = ToolResult(content, bool(output["is_error"]), "not_called", 0)
        return await self._record(_Made(key, call, self._now()), result)

    # --- What people decide -----------------------------------------------------------------------

    async def _refused(
        self, made: _Made, tool: OfferedTool, tools: Mapping[str, OfferedTool]
    ) -> ToolResult | None:
        """None if the call may be made: without approval, or because it was approved."""
        rule = self._rule(tool)
        read_untrusted = any(tools[n].untrusted for n in self._answered if n in tools)
        if rule == "never" or (rule == "after_untrusted" and not read_untrusted):
            return None
        digest = digest_of(tool.name, made.call.arguments)
        question = f"May {self._who} call {tool.name}?"
        request = self._request(made, tool, question) | {"digest": digest, "on_due": "reject"}
        # For these arguments alone.
        key = f"{made.key}#{digest[:DIGEST_CHARACTERS]}"
        answer = await self._decision(made, key, "tool_call", request)
        if answer.get("decision") == "approved":
            return None
        if answer.get("decision") == "timed_out" or answer.get("by", "") is None:
            return ToolResult("Nobody approved this call in time.", True, "refused")
        why = reason_in(answer)
        words = f"A person refused this call: {why}" if why else "A person refused this call."
        return ToolResult(words, True, "refused")

    def _rule(self, tool: OfferedTool) -> str:
        """The stricter one of the tool's and the design's."""
        named = next((t for t in self._agent.named_tools() if t.name == tool.name), None)
        own = named.approval if named is not None and named.approval else "never"
        return max(own, tool.approval, key=STRICTNESS.index)

    async def _told(self, made: _Made, tool: OfferedTool, tried: int) -> ToolResult | None:
        """What is known of a call whose answer was lost; None if it is to be made again."""
        rule = tool.on_unknown_outcome
        if rule == "retry":
            if tried <= self._retries:
                return None
            return ToolResult("No answer came. Nobody knows if it was done.", True, "error")
        if rule == "ask":
            question = f"Was {tool.name} done? {self._who} called it, and its answer was lost."
            request = self._request(made, tool, question) | {"on_due": "fail"}
            key = f"{made.key}/outcome.{tried}"
            answer = await self._decision(made, key, "unknown_outcome", request)
            if answer.get("decision") == "done":
                return ToolResult(json_text(answer.get("result", "")), False, "told")
            if answer.get("decision") == "again":
                return None
        sentence = f"nobody knows if {tool.name} was done: its answer was lost."
        info = ErrorInfo(
            "unknown_outcome", f"agent '{self._who}': {sentence}", self._host.block_id, made.key
        )
        raise StepFailure(self._agent.id, info)

    def _request(self, made: _Made, tool: OfferedTool, question: str) -> dict[str, Any]:
        shown = {"tool": tool.name, "arguments": made.call.arguments, "agent": self._who}
        return {
            "group": tool.approval_group,
            "required": 1,
            "question": question,
            "shown": shown,
            "allows_self": tool.allows_self,
            "needs_reason": False,
            "tool": tool.name,
        }

    async def _decision(
        self, made: _Made, key: str, kind: Any, request: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        if bounded_key(key) not in self._host.setup.decisions:
            self._emit(made, "waiting")
        due = self._now() + DECISION_SECONDS
        need = Need(bounded_key(key), kind, self._host.block_id, self._agent.id, due, request)
        return await self._host.settled(need)

    # --- The call ---------------------------------------------------------------------------------

    async def _result(self, made: _Made, tool: OfferedTool) -> ToolResult:
        tried = self._host.setup.journal.intents(made.key) if tool.effect == "once" else 0
        result = None
        if tried:
            # It was begun before, and no result is recorded.
            made.tries = tried
            result = await self._told(made, tool, tried)
        while result is None:
            if tool.effect == "once":
                tried = await intend(self._host, made.key, tool.name)
            answer = await self._try(made, tool)
            if isinstance(answer, ToolResult):
                return answer
            result = await self._after(made, tool, answer, tried)
        return result

    async def _play(self, made: _Made, body: Body) -> ToolResult:
        """Play a deployed design. Its steps are recorded as they end, so it needs no intent."""
        made.tries = 1
        try:
            value = await self._host.play_tool(body, made.call.arguments, made.key)
        except NestedFailure as failure:
            return ToolResult(f"{made.call.name} failed: {failure.reason}", True, "error")
        return ToolResult(json_text(value))

    async def _after(
        self, made: _Made, tool: OfferedTool, error: ToolCallError, tried: int
    ) -> ToolResult | None:
        """What becomes of a call without an answer; None, after a pause: it is made again."""
        result = None
        if error.was_sent and tool.effect == "once":
            result = await self._told(made, tool, tried)
        elif len(made.failures) > self._retries:
            outcome: Any = "error" if error.was_sent else "not_called"
            result = ToolResult(error.sentence, True, outcome)
        if result is None:
            timing = self._host.setup.timing
            with self._host.under_way():
                await timing.sleep(backoff(timing, len(made.failures) - 1))
        return result

    async def _try(self, made: _Made, tool: OfferedTool) -> ToolResult | ToolCallError:
        made.tries += 1
        setup, began = self._host.setup, self._now()
        try:
            async with self._at_once:
                with self._host.under_way():
                    return await call_once(setup, tool, made.call, made.key)
        except ToolCallError as error:
            now = self._now()
            ms = round((now - began) * 1000)
            kind = "timeout" if error.was_sent else "unavailable"
            made.failures.append(FailedTry(tool.name, kind, error.sentence, now, ms))
            return error

    # --- The record -------------------------------------------------------------------------------

    async def _record(self, made: _Made, result: ToolResult) -> StepResult:
        content = self._host.setup.mask(result.content)
        step = tool_step(self._step, self._agent, made.key, made.call)
        step.output = {
            "content": content,
            "is_error": result.is_error,
            "outcome": result.outcome,
            "bytes": result.size or len(content.encode("utf-8", "replace")),
        }
        step.finish_reason = "error" if result.is_error else "stop"
        step.tries = made.tries
        step.failures = tuple(made.failures)
        step.started_at, step.finished_at = made.started, self._now()
        await self._host.record(step)
        self._emit(made, "finished", step)
        return step

    def _emit(self, made: _Made, status: Any, step: StepResult | None = None) -> None:
        now = self._now()
        output: Any = None if step is None else step.output
        self._host.setup.emit(
            ToolChanged(
                key=made.key,
                block_id=self._step.block_id,
                agent_id=self._agent.id,
                tool=made.call.name,
                status=status,
                at=now,
                arguments=made.call.arguments,
                is_error=None if output is None else bool(output["is_error"]),
                duration_ms=None if step is None else round((now - made.started) * 1000),
            )
        )

    @property
    def _retries(self) -> int:
        return min(self._host.retries, MAX_RETRIES)

    @property
    def _who(self) -> str:
        return self._agent.name or self._agent.id

    def _now(self) -> float:
        return self._host.setup.timing.now()


async def call_once(setup: Setup, tool: OfferedTool, call: ToolCall, key: str) -> ToolResult:
    """One try. Raises ToolCallError, also for what should not happen in a provider."""
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    idempotency_key = f"{setup.root_execution or setup.execution_id}:{key}"
    seconds = tool.timeout_seconds
    try:
        # The provider's own words come first.
        async with asyncio.timeout(GRACE * seconds) as clock:
            return await setup.tools.call(
                tool, arguments, idempotency_key=idempotency_key, timeout=seconds
            )
    except TimeoutError as error:
        words = f"{tool.name} gave no answer within {seconds:g} seconds."
        if not clock.expired():
            words = f"{tool.name} gave no answer in time."
        raise ToolCallError(words, was_sent=True) from error
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # A library cancelled its own work.
        raise ToolCallError(f"The call of {tool.name} was broken off.", was_sent=True) from error


def tool_step(step: StepResult, agent: Agent, key: str, call: ToolCall) -> StepResult:
    return replace(
        step,
        key=key,
        agent_id=agent.id,
        purpose="tool",
        model=None,
        prompt=call.arguments,
        text=None,
        output=None,
        input_tokens=0,
        output_tokens=0,
        cost_usd=None,
        tries=0,
        status="completed",
        finish_reason=None,
        is_estimated=False,
        failures=(),
        tool=call.name,
        calls=None,
        said=None,
    )


def not_called(sentence: str) -> ToolResult:
    return ToolResult(sentence, True, "not_called")


def misfit(call: ToolCall, tool: OfferedTool) -> str:
    """Why the arguments cannot be sent; empty if they can."""
    if not isinstance(call.arguments, dict):
        return f"Not called: the arguments are no JSON object; {beginning(call.arguments)}."
    try:
        wrong = problems(call.arguments, tool.input_schema)
    except SchemaUnusable:
        # The tool's own server will say.
        return ""
    return f"Not called, as the arguments do not fit: {'; '.join(wrong)}." if wrong else ""


def cut(result: ToolResult, most: int) -> ToolResult:
    """The result with no more characters than a model may read, and a mark that says so."""
    content = result.content
    # One that is cut already is a little longer, by its mark.
    if len(content) <= most + MARK_CHARACTERS:
        return result
    mark = f"\n[cut: {most:,} of {len(content):,} characters]"
    size = result.size or len(content.encode("utf-8", "replace"))
    return replace(result, content=content[:most] + mark, size=size)


def reason_in(answer: Mapping[str, Any]) -> str:
    """The reason that people gave, of the answer itself or of its last vote."""
    reasons = [vote.get("reason") for vote in answer.get("votes") or ()]
    return str(answer.get("reason") or next(filter(None, reversed(reasons)), ""))
