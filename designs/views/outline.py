"""A draft as text: what the page of a design says without a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from designs.graph.drawing import Drawing, DrawnBlock, DrawnWire, read_drawing, run_order
from designs.graph.spec import Block, Problem
from designs.inspector.controls import Control, controls_of
from designs.patterns.base import Pattern
from designs.patterns.catalogue import PALETTE

MAX_FIELDS = 200
TYPES = {
    "string": "text", "integer": "whole number", "boolean": "yes or no", "array": "list",
    "object": "object", "number": "number", "null": "nothing",
}  # fmt: skip
SAFETY = ("timeout_seconds", "retries", "on_error", "default")


@dataclass(frozen=True, slots=True)
class OutlineAgent:
    name: str
    role: str
    model: str
    prompt: str


@dataclass(frozen=True, slots=True)
class OutlineBlock:
    """`anchor` is the id of its part of the page."""

    anchor: str
    id: str
    type: str
    kind: str
    label: str
    task: str
    agents: list[OutlineAgent]
    settings: list[tuple[str, str]]
    connections: list[str]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class PlacedProblem:
    """A problem with the words of its place, and the anchor of its block (or nothing)."""

    place: str
    anchor: str
    message: str


@dataclass(frozen=True, slots=True)
class InputField:
    name: str
    type: str
    is_required: bool
    about: str
    example: str


class Outline:
    """Reads any JSON value as a draft, as far as it goes."""

    def __init__(self, document: object, problems: Iterable[Problem]) -> None:
        self.raw: dict[str, Any] = document if isinstance(document, dict) else {}
        self.drawing: Drawing = read_drawing(document)
        self.by_index = {block.index: block for block in self.drawing.blocks.values()}
        self.problems = [self._placed(problem) for problem in problems]

    def blocks(self) -> list[OutlineBlock]:
        return [self._block(self.drawing.blocks[name]) for name in run_order(self.drawing)]

    def input_fields(self) -> list[InputField]:
        schema = self.raw.get("input_schema")
        schema = schema if isinstance(schema, dict) else {}
        fields, required = schema.get("properties"), schema.get("required")
        return [
            _field(name, part if isinstance(part, dict) else {}, required)
            for name, part in list(fields.items() if isinstance(fields, dict) else ())[:MAX_FIELDS]
        ]

    # --- Blocks -----------------------------------------------------------------------------------

    def _block(self, block: DrawnBlock) -> OutlineBlock:
        raw = self.raw["blocks"][block.index]
        anchor = _anchor(block)
        pattern = PALETTE.get(block.type)
        return OutlineBlock(
            anchor=anchor,
            id=block.id,
            type=block.type,
            kind=pattern.label if pattern else block.type or "no type",
            label=block.label,
            task=_text(raw.get("task")),
            agents=list(_agents(raw.get("agents"))),
            settings=_settings(pattern, raw),
            connections=list(self._connections(block.id)),
            problems=[problem.message for problem in self.problems if problem.anchor == anchor],
        )

    def _connections(self, block_id: str) -> Iterator[str]:
        for wire in self.drawing.wires:
            if wire.source == block_id:
                yield self._words(wire)

    def _words(self, wire: DrawnWire) -> str:
        """As in "goes to Letter if the route is billing"; conditions as code, in backticks."""
        target = self.drawing.blocks[wire.target]
        whole = target.label
        if wire.target_agent:
            whole = f"{_agent_name(target, wire.target_agent)} in {target.label}"
        source = self.drawing.blocks[wire.source]
        words = f"goes to {whole}"
        if wire.source_agent:
            words = f"what {_agent_name(source, wire.source_agent)} answers {words}"
        raw = self.raw["connections"][wire.index]
        route, when = _text(raw.get("route")), _text(raw.get("when"))
        conditions = [f"the route is {route}"] if route else []
        conditions += [f"`` {when} ``"] if when else []
        return f"{words} if {' and '.join(conditions)}" if conditions else words

    # --- Problems ---------------------------------------------------------------------------------

    def _placed(self, problem: Problem) -> PlacedProblem:
        first, index, *rest = [*problem.path.split("/")[1:], "", ""]
        number = int(index) if index.isascii() and index.isdigit() and len(index) < 6 else -1
        words = [word.replace("_", " ") for word in rest if word]
        if first == "blocks" and number in self.by_index:
            block = self.by_index[number]
            return PlacedProblem(" / ".join([block.label, *words]), _anchor(block), problem.message)
        wires = {wire.index: wire for wire in self.drawing.wires}
        if first == "connections" and number in wires:
            wire = wires[number]
            ends = (self.drawing.blocks[end].label for end in (wire.source, wire.target))
            place = " / ".join([" → ".join(ends), *words])
            return PlacedProblem(place, _anchor(self.drawing.blocks[wire.source]), problem.message)
        return PlacedProblem(problem.path.strip("/").replace("/", " / "), "", problem.message)


def _anchor(block: DrawnBlock) -> str:
    return f"block-{block.index + 1}"


def _agent_name(block: DrawnBlock, agent_id: str) -> str:
    return next((agent.name for agent in block.agents if agent.id == agent_id), agent_id)


def _agents(raw: object) -> Iterator[OutlineAgent]:
    for agent in raw if isinstance(raw, list) else ():
        if isinstance(agent, dict):
            name = _text(agent.get("name")) or _text(agent.get("id")) or "Agent"
            model = agent.get("model")
            models = model if isinstance(model, list) else [model]
            yield OutlineAgent(
                name,
                _text(agent.get("role")) or "worker",
                ", then ".join(filter(None, map(_text, models))),
                _text(agent.get("system_prompt")),
            )


def _settings(pattern: Pattern[Any] | None, raw: dict[str, Any]) -> list[tuple[str, str]]:
    """What is set, by the labels of the inspector."""
    own = raw.get("settings")
    given = own.items() if isinstance(own, dict) else ()
    labels = _labels(pattern.settings_type) if pattern else {}
    rows = [_setting(labels, key, value) for key, value in given]
    safety = [(key, raw[key]) for key in SAFETY if raw.get(key) is not None]
    return rows + [_setting(_labels(Block), key, value) for key, value in safety]


def _setting(labels: Mapping[str, Control], key: str, value: object) -> tuple[str, str]:
    control = labels.get(f"/{key}")
    if control is None:
        return key.replace("_", " ").capitalize(), _value(value)
    words = {choice.value: choice.label for choice in control.choices}
    return control.label, words.get(value, value) if isinstance(value, str) else _value(value)


@cache
def _labels(model: type[BaseModel]) -> dict[str, Control]:
    return {control.pointer: control for control in controls_of(model)}


def _field(name: str, part: dict[str, Any], required: object) -> InputField:
    kinds = part.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    examples = part.get("examples")
    example = examples[0] if isinstance(examples, list) and examples else part.get("default")
    return InputField(
        name,
        " or ".join(TYPES.get(kind, kind) for kind in kinds if isinstance(kind, str)) or "anything",
        isinstance(required, list) and name in required,
        _text(part.get("description")) or _text(part.get("title")),
        "" if example is None else _value(example),
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""


# --- Changes --------------------------------------------------------------------------------------


def count_changes(before: object, after: object) -> int:
    """The parts of two documents that differ: blocks, connections, and other keys.

    Positions do not count, as in the designer.
    """
    one, other = _parts(before), _parts(after)
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


def _parts(document: object) -> dict[tuple[str, str], Any]:
    raw = document if isinstance(document, dict) else {}
    parts: dict[tuple[str, str], Any] = {}
    for key, value in raw.items():
        items = value if key in ("blocks", "connections") and isinstance(value, list) else None
        if items is None:
            parts["", key] = value
            continue
        for item in items:
            part = item if isinstance(item, dict) else {"id": item}
            kept = {name: inner for name, inner in part.items() if name != "position"}
            parts[key, str(part.get("id"))] = kept
    return parts
