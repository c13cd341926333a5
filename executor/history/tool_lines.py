"""Calls of tools among the steps of a run: their order, and what is shown of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Q

from executor.models import DecisionRequest, Effect, Execution, Step, Tool

T = TypeVar("T")

# Of a step's key: the turn of its request, and the number of a call.
_TURN = re.compile(r"\.(\d+)\Z")
_CALL = re.compile(r"/tool\.(\d+)\Z")
_WORDS = {
    "done": "", "error": "answered with an error", "not_called": "not called",
    "refused": "refused", "told": "told by a person",
}  # fmt: skip


@dataclass(slots=True)
class ToolSaid:
    """A call: `result` is text from outside. A pending one may have a request to people."""

    name: str
    effect: str
    words: str
    arguments: str = ""
    result: str = ""
    is_error: bool = False
    is_pending: bool = False
    request: DecisionRequest | None = None


def turn_of(step: Step) -> int:
    """The number of the request of an agent with tools; 1 is the first."""
    found = None if step.tool is not None else _TURN.search(step.key)
    return int(found[1]) if found else 1


def in_turns(steps: Sequence[T], step_of: Callable[[T], Step]) -> list[T]:
    """In the order of their ids, but calls of tools under the answer that asked for them, in the
    order in which it did: they end in any.
    """
    ids = {step_of(one).key: step_of(one).pk for one in steps}

    def place(one: T) -> tuple[int, int]:
        step = step_of(one)
        call = _CALL.search(step.key)
        if call is None:
            return step.pk, 0
        return ids.get(step.key[: call.start()], step.pk), int(call[1])

    return sorted(steps, key=place)


def tool_said(step: Step, effects: Mapping[str, str], readable: Callable[[Any], str]) -> ToolSaid:
    output = step.output if isinstance(step.output, dict) else {}
    name = step.tool or ""
    return ToolSaid(
        name=name,
        effect=effects.get(name, ""),
        words=_WORDS.get(output.get("outcome", ""), ""),
        arguments="" if step.prompt in (None, {}) else readable(step.prompt),
        result=readable(output.get("content", "")),
        is_error=bool(step.is_tool_error),
    )


def effects_of(names: Sequence[str]) -> dict[str, str]:
    """What the tools do, by the words of the administrator's choice; one query, none without."""
    wanted = Q()
    for name in dict.fromkeys(names):
        connection, _, own = name.partition(".")
        wanted |= Q(connection__name=connection, name=own)
    if not wanted:
        return {}
    rows = Tool.objects.filter(wanted).values_list("connection__name", "name", "effect")
    return {f"{connection}.{own}": str(Effect(effect).label) for connection, own, effect in rows}


def pending_calls(
    execution: Execution, steps: Sequence[Step], readable: Callable[[Any], str]
) -> dict[str, list[ToolSaid]]:
    """By the key of a model's answer, the calls in it that have no result yet."""
    known = {step.key for step in steps}
    missing: dict[str, tuple[Step, Any]] = {}
    for step in steps if execution.is_live else ():
        for number, call in enumerate(step.calls or (), start=1):
            key = f"{step.key}/tool.{number}"
            if key not in known:
                missing[key] = step, call
    if not missing:
        return {}
    requests = {
        re.split(r"#|/outcome\.", row.key)[0]: row
        for row in DecisionRequest.objects.open().filter(execution=execution)
    }
    effects = effects_of([call["name"] for _, call in missing.values()])
    found: dict[str, list[ToolSaid]] = {}
    for key, (step, call) in missing.items():
        request = requests.get(key)
        said = ToolSaid(
            name=call["name"],
            effect=effects.get(call["name"], ""),
            words="outcome unknown" if request and request.kind == "unknown_outcome" else "",
            arguments=readable(call["arguments"]) if call["arguments"] else "",
            is_pending=True,
            request=request,
        )
        found.setdefault(step.key, []).append(said)
    return found
