"""Tools at run time: what an agent may call, and the interface to whoever calls it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from executor.engine.json_text import json_bytes

Effect = Literal["read", "idempotent", "once"]
Approval = Literal["never", "always", "after_untrusted"]
UnknownOutcome = Literal["ask", "retry", "fail"]
# `told`: a person said what came of a call whose answer was lost.
ToolOutcome = Literal["done", "error", "not_called", "refused", "told"]

# Of the names of functions, by OpenAI's and Anthropic's rules.
MAX_WIRE_NAME = 64
_HASH_DIGITS = 8
_OTHER = re.compile(r"[^a-zA-Z0-9_-]")


# These are never changed but not frozen: see StepResult.


@dataclass(slots=True)
class OfferedTool:
    """A tool as its administrator accepted it; `name` as designs name it: `crm.search`.

    `most_result_characters` of an answer are read by models.
    """

    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None
    effect: Effect = "once"
    approval: Approval = "never"
    # The name of a group; empty: whoever may decide for the deployment.
    approval_group: str = ""
    allows_self: bool = False
    untrusted: bool = True
    on_unknown_outcome: UnknownOutcome = "ask"
    most_result_characters: int = 20_000
    timeout_seconds: float = 60.0


@dataclass(slots=True)
class ToolResult:
    """What came of a call, as text. `size` is that of the answer, in bytes."""

    content: str
    is_error: bool = False
    outcome: ToolOutcome = "done"
    size: int = 0


class ToolCallError(Exception):
    """A call without an answer. `was_sent` is False if the server cannot have got it, so that it
    may be repeated; else nobody knows what came of it.
    """

    def __init__(self, sentence: str, *, was_sent: bool) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.was_sent = was_sent


class ToolsMissing(Exception):
    """A tool is not there, or not offered any more; the message is a sentence."""


class ToolProvider(Protocol):
    """The tools of this installation; the engine itself knows no connection."""

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        """By name. Raises ToolsMissing."""
        ...

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        """Call once, within the timeout in seconds. An error that the server answers with is a
        result. Raises ToolCallError.
        """
        ...


class NoTools:
    """For runs without any tools."""

    async def offered(self, names: Sequence[str]) -> dict[str, OfferedTool]:
        raise ToolsMissing(f"There is no tool {names[0]} in this installation.")

    async def call(
        self, tool: OfferedTool, arguments: dict[str, Any], *, idempotency_key: str, timeout: float
    ) -> ToolResult:
        raise ToolCallError(f"There is no tool {tool.name} in this installation.", was_sent=False)


def wire_names(names: Iterable[str]) -> dict[str, str]:
    """By a tool's name, as in `crm.search`, the one by which models know it: `crm__search`.

    Long ones, those with other characters, and a second one of the same name end in a hash.
    """
    found: dict[str, str] = {}
    for name in names:
        plain = name.replace(".", "__")
        wire = _OTHER.sub("_", plain)
        if len(wire) > MAX_WIRE_NAME or wire != plain or wire in found.values():
            digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_DIGITS]
            wire = f"{wire[: MAX_WIRE_NAME - _HASH_DIGITS - 1]}_{digest}"
        found[name] = wire
    return found


def digest_of(tool: str, arguments: Any) -> str:
    """The same for equal arguments, whatever the order of their keys, before and after they were
    stored.
    """
    ordered = _ordered([tool, arguments])
    return hashlib.sha256(json_bytes(ordered)).hexdigest()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    if isinstance(value, float) and value.is_integer():
        # As databases may give it back.
        return int(value)
    return [_ordered(item) for item in value] if isinstance(value, list) else value
