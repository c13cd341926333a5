"""What one block of a run said, was asked, got and gave: read for one block, bounded in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from designs.rows.bounded import fill_page
from executor.history.inside import words_inside
from executor.history.kept import document_of, edited_for
from executor.history.quotes import error_without_quotes, failures_without_quotes
from executor.history.timeline import BlockLine, readable, words_of
from executor.history.tool_lines import (
    ToolSaid,
    effects_of,
    in_turns,
    pending_calls,
    tool_said,
)
from executor.models import BlockResult, Execution, Step

MAX_SAID = 100
MAX_SOURCES = 12
LARGE = ("prompt", "text", "output", "calls")
TABS = ("conversation", "prompt", "input", "output", "settings", "error")
# What the design says of a block in other places than its settings.
_NOT_SETTINGS = ("id", "label", "type", "agents", "position", "settings")


@dataclass(slots=True)
class Said:
    """One answer: `text`, or its fields in `rows` if it is an object."""

    row: Step
    agent: str
    role: str
    initials: str
    words: str
    text: str = ""
    rows: list[tuple[str, str]] = field(default_factory=list)
    prompt: list[tuple[str, str]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    # Of a call of a tool; and of an answer the calls that have no result yet.
    tool: ToolSaid | None = None
    pending: list[ToolSaid] = field(default_factory=list)
    # When the block goes on that waits for a time.
    until: datetime | None = None


@dataclass(slots=True)
class Details:
    block: BlockLine
    tab: str
    tabs: list[tuple[str, str]]
    hidden: bool
    rounds: list[tuple[str, list[Said]]] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    has_earlier: bool = False
    texts: list[tuple[str, str]] = field(default_factory=list)
    error: dict[str, Any] | None = None


def details_of(
    execution: Execution, block: BlockLine, tab: str, *, with_payloads: bool, with_settings: bool
) -> Details:
    """The chosen tab of a block, the others without their contents."""
    tabs = [
        name
        for name in TABS
        if not (name == "error" and not block.error)
        and not (name == "settings" and not with_settings)
    ]
    if tab not in tabs:
        tab = "error" if block.state in ("failed", "timed_out") and block.error else tabs[0]
    titles = [(name, name.capitalize()) for name in tabs]
    found = Details(block, tab, titles, hidden=not with_payloads)
    if tab in ("conversation", "prompt", "error"):
        found.said, found.has_earlier = _said(execution, block, with_payloads)
        found.rounds = _rounds(found.said)
    if tab == "error":
        found.error = block.error if with_payloads else error_without_quotes(block.error)
    elif tab == "settings":
        found.texts = _settings(block.part)
    elif with_payloads and tab == "input":
        found.texts = _inputs(execution, block)
    elif with_payloads and tab == "output":
        rows = BlockResult.objects.filter(execution=execution, block_id=block.block_id)
        outputs = list(rows.values_list("output", flat=True))
        found.texts = [("", readable(value)) for value in outputs if value is not None]
    return found


def initials_of(name: str) -> str:
    words = name.split() or ["?"]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()


def _said(execution: Execution, block: BlockLine, with_payloads: bool) -> tuple[list[Said], bool]:
    """What was said last, with what earlier runs said that this one goes on from."""
    runs = {step.row.execution_id for step in block.steps} | {execution.pk}
    keys = {step.row.pk for step in block.steps}
    rows = Step.objects.filter(execution__in=runs, pk__in=keys)
    rows = rows.defer("said").order_by("-pk")
    effects = effects_of([step.row.tool for step in block.steps if step.row.tool is not None])
    if not with_payloads:
        rows = rows.defer(*LARGE)
    _, said, has_earlier = fill_page(
        rows,
        limit=MAX_SAID,
        large=LARGE if with_payloads else (),
        show=lambda page: [_one(step, block, with_payloads, effects) for step in page],
        weigh=_weight,
    )
    said = in_turns(said[::-1], lambda one: one.row)
    if with_payloads:
        pending = pending_calls(execution, [one.row for one in said], readable)
        for one in said:
            one.pending = pending.get(one.row.key, [])
    return said, has_earlier


def _one(step: Step, block: BlockLine, with_payloads: bool, effects: Mapping[str, str]) -> Said:
    agents = (agent for agent in block.part.get("agents") or () if isinstance(agent, dict))
    role = next((str(a.get("role", "")) for a in agents if a.get("id") == step.agent_id), "")
    name = block.agents.get(step.agent_id, step.agent_id) or block.label
    failures = step.failures if with_payloads else failures_without_quotes(step.failures)
    words = words_of(step)
    if step.block_id != block.block_id:
        words = f"{words_inside(step, block.type)}: {words}"
    said = Said(step, name, role, initials_of(name), words, failures=failures)
    if step.tool is not None:
        said.tool = _called(step, effects, with_payloads)
        return said
    if not with_payloads:
        return said
    said.until = _until(step)
    if isinstance(step.output, dict) and step.output and said.until is None:
        said.rows = [(str(key), readable(value)) for key, value in step.output.items()]
    else:
        answer = step.text or step.output
        said.text = "" if answer is None or answer == "" else readable(answer)
    said.prompt = _prompt(step)
    return said


def _until(step: Step) -> datetime | None:
    """Of the step of a block that waits: when it goes on."""
    due = step.output.get("due_at") if isinstance(step.output, dict) else None
    if step.purpose != "until" or not isinstance(due, float):
        return None
    return datetime.fromtimestamp(due, UTC)


def _weight(one: Said) -> int:
    """In characters."""
    texts = [one.text, *(text for _, text in (*one.rows, *one.prompt))]
    if one.tool is not None:
        texts += [one.tool.arguments, one.tool.result]
    return sum(map(len, texts))


def _called(step: Step, effects: Mapping[str, str], with_payloads: bool) -> ToolSaid:
    if with_payloads:
        return tool_said(step, effects, readable)
    name = step.tool or ""
    return ToolSaid(name, effects.get(name, ""), "", is_error=bool(step.is_tool_error))


def _prompt(step: Step) -> list[tuple[str, str]]:
    if not step.agent_id:
        return [("Input", readable(step.prompt))] if step.prompt is not None else []
    prompt = step.prompt or {}
    parts = [("System", prompt.get("system", ""))]
    parts += [(part["label"], readable(part["value"])) for part in prompt.get("parts", ())]
    return [(label, text) for label, text in parts if text]


def _rounds(said: list[Said]) -> list[tuple[str, list[Said]]]:
    rounds = [
        (number, list(several))
        for number, several in groupby(said, lambda one: one.row.round_number)
    ]
    if len(rounds) == 1:
        return [("", rounds[0][1])]
    return [(f"Round {number}", several) for number, several in rounds]


def _inputs(execution: Execution, block: BlockLine) -> list[tuple[str, str]]:
    """What the block's connections brought; the run's input for a block without any."""
    document = document_of(execution)
    taken = block.row.taken if block.row else None
    sources = [
        str(connection.get("source"))
        for connection in document.get("connections") or ()
        if connection.get("target") == block.block_id
        and (taken is None or connection.get("id") in taken)
    ]
    if not sources:
        return [("The run's input", readable(execution.input_data))]
    sources = list(dict.fromkeys(sources))[:MAX_SOURCES]
    rows = BlockResult.objects.filter(execution=execution, block_id__in=sources)
    outputs = dict(rows.values_list("block_id", "output"))
    outputs = {**_given(execution), **outputs, **edited_for(execution, block.block_id)}
    labels = {part["id"]: part.get("label") or part["id"] for part in document.get("blocks", ())}
    return [
        (f"From {labels.get(name, name)}", readable(outputs[name]))
        for name in sources
        if outputs.get(name) is not None
    ]


def _given(execution: Execution) -> dict[str, Any]:
    given = execution.given_outputs or {}
    return {name: (entry or {}).get("output") for name, entry in given.items()}


def _settings(part: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the design says of the block, in its words, agents last."""
    rows = [(name, value) for name, value in part.items() if name not in _NOT_SETTINGS]
    rows += list((part.get("settings") or {}).items())
    for agent in part.get("agents") or ():
        name = agent.get("name") or agent.get("id")
        rows += [(f"{name}: {key}", value) for key, value in agent.items() if key != "id"]
    return [(key.replace("_", " "), readable(value)) for key, value in rows if value != ""]
