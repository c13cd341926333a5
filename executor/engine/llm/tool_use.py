"""Tools in a conversation with a model: what is offered, what it called, and what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from designs.strict_json import read_strict_json
from executor.engine.llm.schemas import wrapped

# A structured answer is asked for as a call of this one: some providers refuse a schema for the
# answer beside tools.
FINAL_ANSWER = "final_answer"
FINAL_WORDS = "Call this alone, once, to give your answer."


# These are never changed but not frozen: see StepResult.


@dataclass(slots=True)
class ToolSpec:
    """A tool as a model is told of it. `wire` is its name there, `effect` is never sent."""

    name: str
    wire: str
    description: str
    schema: dict[str, Any]
    effect: str = "read"


@dataclass(slots=True)
class ToolCall:
    """A call that a model asks for. `arguments` are a text if that is no JSON object.

    `name` is the tool's own where it was offered, else what the model said. Ids may repeat.
    """

    id: str
    name: str
    arguments: dict[str, Any] | str


@dataclass(slots=True)
class Turn:
    """An answer with calls, and in their order what came of them: texts, and whether an error.

    `said` is the message of the provider itself, which only `model` understands.
    """

    model: str
    text: str
    calls: Sequence[ToolCall]
    results: Sequence[tuple[str, bool]]
    said: Any = None


@dataclass(slots=True)
class ToolUse:
    """The tools of one request. With `may_call` False it asks for an answer without calls, because
    of the `limit`.

    `remarks` are said after the turns.
    """

    tools: Sequence[ToolSpec] = ()
    turns: Sequence[Turn] = ()
    may_call: bool = True
    remarks: Sequence[str] = ()
    limit: str = ""


def offered_tools(use: ToolUse, schema: dict[str, Any] | None) -> list[ToolSpec]:
    """What the model may call now, with the tool of a structured answer."""
    offered = list(use.tools) if use.may_call else []
    if schema is not None:
        offered.append(ToolSpec(FINAL_ANSWER, FINAL_ANSWER, FINAL_WORDS, wrapped(schema)))
    return offered


def named(calls: Sequence[ToolCall], tools: Sequence[ToolSpec]) -> tuple[ToolCall, ...]:
    """The calls with the tools' own names."""
    names = {tool.wire: tool.name for tool in tools}
    return tuple(ToolCall(c.id, names.get(c.name, c.name), c.arguments) for c in calls)


def wire_of(call: ToolCall, tools: Sequence[ToolSpec]) -> str:
    wires = {tool.name: tool.wire for tool in tools}
    return wires.get(call.name, call.name)


def sent_arguments(call: ToolCall) -> dict[str, Any]:
    """For a conversation that is built again: an unreadable text is left out."""
    return call.arguments if isinstance(call.arguments, dict) else {}


def own_id(turn: int, call: int) -> str:
    """An id that every provider takes: nine letters and digits."""
    return f"t{turn:03d}c{call:04d}"


def ids_are_unique(turns: Sequence[Turn]) -> bool:
    """Whether results can be matched by the models' own ids."""
    ids = [call.id for turn in turns for call in turn.calls]
    return all(ids) and len(set(ids)) == len(ids)


@dataclass(slots=True)
class CallDraft:
    """A call that comes in pieces; `key` tells the calls of one answer apart."""

    key: Any
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    whole: dict[str, Any] | None = None
    extra: Any = None

    def call(self) -> ToolCall:
        if self.whole is not None:
            return ToolCall(self.id, self.name, self.whole)
        text = "".join(self.arguments)
        return ToolCall(self.id, self.name, read_arguments(text))


def read_arguments(text: str) -> dict[str, Any] | str:
    """The object in the text, else the text: also for numbers that no database holds. Nothing at
    all means no arguments.
    """
    if not text.strip():
        return {}
    number = read_strict_json
    try:
        value = json.loads(
            text, strict=False, parse_int=number, parse_float=number, parse_constant=number
        )
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, dict) else text


def calls_json(calls: Sequence[ToolCall]) -> list[dict[str, Any]]:
    return [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in calls]


def calls_of(stored: Sequence[Mapping[str, Any]] | None) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(c["id"], c["name"], c["arguments"]) for c in stored or ())
