"""A model that says what a test wrote for it, and runs of small designs with it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from designs.patterns.catalogue import check_document
from executor.engine.context import Outcome, Setup, Timing
from executor.engine.events import Event
from executor.engine.journal import StepResult
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError, ModelRequest
from executor.engine.llm.schemas import unwrapped, wrapped
from executor.engine.llm.structured import parsed_value
from executor.engine.llm.tool_use import FINAL_ANSWER, ToolCall
from executor.engine.runner import compile_graph, run_graph
from tests.memory_journal import MemoryJournal

NAME = "scripted:model"
DOWN = ModelError(ErrorKind.UNAVAILABLE, "the model is down.")

# A text, a JSON value, an error, a function of the request, or a list of these for each try.
Said = Any
Script = Mapping[str, Said]


class Scripted:
    """Answers by the step: `agent/round/purpose`, or shorter `agent/purpose`, or `purpose`.

    Steps the script does not name are answered with their own key. With a `seed` answers come in
    another order. `calls` are the steps' keys in the order of asking.
    """

    name = NAME

    def __init__(self, script: Script, *, seed: int | None = None) -> None:
        self.script = script
        self.seed = seed
        self.calls: list[str] = []
        self.requests: dict[str, ModelRequest] = {}
        self.busy = 0
        self.most_busy = 0

    def resolve(self, name: str) -> Scripted:
        return self

    async def has_price(self) -> bool:
        return True

    async def complete(
        self, request: ModelRequest, on_delta: Callable[[str], None] | None = None
    ) -> ModelAnswer:
        key = request.call_key.partition(":")[2]
        request.on_sent()
        self.calls.append(key)
        self.requests[key] = request
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            for _ in range(self._turns(key)):
                await asyncio.sleep(0)
        finally:
            self.busy -= 1
        return self._answer(self._said(key), request)

    def prompt(self, key: str) -> dict[str, Any]:
        """What was asked for a step last, by the parts' labels."""
        return {part.label: part.value for part in self.requests[key].parts}

    def _turns(self, key: str) -> int:
        return 3 if self.seed is None else random.Random(f"{self.seed} {key}").randrange(1, 30)

    def _said(self, key: str) -> Said:
        _, agent, turn, purpose = key.rpartition(">")[2].split("/")
        names = (f"{agent}/{turn}/{purpose}", f"{agent}/{purpose}", purpose)
        said = next((self.script[name] for name in names if name in self.script), key)
        if isinstance(said, Tries):
            said = said.tries[min(self.calls.count(key), len(said.tries)) - 1]
        return said

    def _answer(self, said: Said, request: ModelRequest) -> ModelAnswer:
        if callable(said):
            said = said(request)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Calls):
            return said.answer(request)
        text = said if isinstance(said, str) else json.dumps(said)
        answer = ModelAnswer(text, NAME, input_tokens=10, output_tokens=5)
        if request.schema is None:
            return answer
        return replace(answer, value=parsed_value(answer, request.schema))


@dataclass(frozen=True)
class Calls:
    """An answer that calls tools: pairs of a tool's name and its arguments."""

    calls: tuple[tuple[str, Any], ...]
    text: str = ""

    def answer(self, request: ModelRequest) -> ModelAnswer:
        made = [ToolCall(f"c{n}", name, given) for n, (name, given) in enumerate(self.calls)]
        answer = ModelAnswer(self.text, NAME, input_tokens=10, output_tokens=5)
        if request.schema is not None and [call.name for call in made] == [FINAL_ANSWER]:
            answer = replace(answer, text=json.dumps(made[0].arguments))
            value = parsed_value(answer, wrapped(request.schema))
            return replace(answer, value=unwrapped(value, request.schema))
        return replace(answer, calls=tuple(made), finish_reason="tool_call")


def calls(*made: tuple[str, Any], text: str = "") -> Calls:
    return Calls(made, text)


@dataclass(frozen=True)
class Tries:
    """What is said at the first try of a step, at the second, and so on; the last stays."""

    tries: tuple[Said, ...]


def tries(*said: Said) -> Tries:
    return Tries(said)


@dataclass
class Played:
    """A run that has ended."""

    outcome: Outcome
    model: Scripted
    steps: dict[str, StepResult]
    events: list[Event] = field(default_factory=list)

    @property
    def result(self) -> Any:
        return self.outcome.result

    @property
    def error(self) -> str:
        assert self.outcome.error is not None
        return self.outcome.error.message


def design(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A document; `more` are its other keys."""
    return {"schema": 1, "name": "Scripted", "blocks": list(blocks), **more}


def block(kind: str, *agents: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A block with the id `main` unless `more` says otherwise."""
    return {"id": "main", "type": kind, "task": "Do it.", "agents": list(agents), **more}


def agent(name: str, role: str = "worker", /, **more: Any) -> dict[str, Any]:
    return {"id": name, "role": role, "system_prompt": f"You are {name}.", **more}


def problems_of(document: dict[str, Any]) -> dict[str, str]:
    """What the rules say of a document: sentences by path."""
    return {problem.path: problem.message for problem in check_document(document).problems}


async def play(
    document: dict[str, Any],
    script: Script | None = None,
    *,
    given: Any = None,
    seed: int | None = None,
    steps: dict[str, StepResult] | None = None,
    **more: Any,
) -> Played:
    """Check and run a document through the real engine, from the steps of an earlier run if any.
    `more` are further fields of the setup.
    """
    checked = check_document(document)
    assert checked.problems == ()
    assert checked.graph is not None
    events: list[Event] = []
    model, journal = Scripted(script or {}, seed=seed), MemoryJournal(steps)
    setup = Setup(
        execution_id="run",
        facts={"id": "run", "trigger": "manual", "started_at": "2026-01-01T00:00:00Z"},
        models=model,
        default_models=(NAME,),
        journal=journal,
        emit=events.append,
        timing=Timing(sleep=lambda seconds: asyncio.sleep(0), random=lambda: 0.0),
    )
    setup = replace(setup, **more)
    outcome = await run_graph(compile_graph(checked.graph), given or {}, setup)
    kept = setup.journal if isinstance(setup.journal, MemoryJournal) else journal
    return Played(outcome, model, kept.steps, events)
