"""A comparison in words: the parts that changed, each with its fields as pieces of text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from designs.graph.compare import Comparison, FieldChange, PartChange
from designs.graph.spec import MAX_AGENTS, Agent, Block, Connection, Graph
from designs.inspector.controls import Control, controls_of
from designs.patterns.catalogue import PALETTE

MAX_PARTS = 300
# Of all parts together.
MAX_FIELDS = 1_000
# Longer pieces that both texts have are cut to these ends; longer values at this length.
MAX_SAME, END = 600, 200
MAX_VALUE = 4_000
NOTHING = "not set"
WHICH = {"added": "New", "removed": "Removed"}
SIGNS = {"added": "+", "changed": "~", "removed": "−"}
FIELD_LABELS = {
    "agents": "Order of the agents", "position": "Position", "id": "Id", "settings": "Settings",
    "schema": "Layout", "blocks": "Order", "connections": "Order", "type": "Pattern",
}  # fmt: skip
_MODELS: dict[str, type[BaseModel]] = {
    "agent": Agent, "connection": Connection, "block": Block, "design": Graph,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """`op` is `same`, `removed` or `added`; `left_out` characters before `end` are not shown."""

    op: str
    text: str
    left_out: int = 0
    end: str = ""


@dataclass(frozen=True, slots=True)
class ShownField:
    """`before` and `after` are the pieces of each side, `pieces` those of both in one text."""

    label: str
    pieces: list[Piece]
    is_code: bool = False

    @property
    def joined(self) -> list[Piece]:
        """With a gap between two values, which are no words of one text."""
        ops = [piece.op for piece in self.pieces]
        if ops == ["removed", "added"]:
            return [self.pieces[0], Piece("same", " "), self.pieces[1]]
        return self.pieces

    @property
    def before(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.op != "added"]

    @property
    def after(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.op != "removed"]


@dataclass(frozen=True, slots=True)
class ShownAgent:
    """An agent that differs, in a block that both have."""

    id: str
    label: str
    change: str


@dataclass(slots=True)
class ShownPart:
    """A block with its agents, a connection, or a field of the design. `agents` can be taken one by
    one.
    """

    kind: str
    id: str
    title: str
    change: str
    type: str = ""
    anchor: str = ""
    note: str = ""
    fields: list[ShownField] = field(default_factory=list)
    left_out: int = 0
    agents: list[ShownAgent] = field(default_factory=list)
    is_takeable: bool = False

    @property
    def sign(self) -> str:
        return SIGNS[self.change]

    @property
    def how(self) -> str:
        """Of one that came or went."""
        return f"{'new' if self.change == 'added' else 'removed'} {self.kind}"


class ShownChanges:
    """The changes by part, blocks first. `whole`: nothing is left out of long texts."""

    def __init__(
        self,
        comparison: Comparison,
        *,
        types: Mapping[str, str],
        labels: Mapping[str, str],
        whole: bool,
    ) -> None:
        self._types, self._labels, self._whole = types, labels, whole
        # Whether something of a text was left out.
        self.is_shortened = False
        self._fields_left = MAX_FIELDS
        changes: dict[tuple[str, str], list[PartChange]] = {}
        for change in comparison.changes:
            is_agent = change.kind == "agent"
            key = ("block", change.block_id) if is_agent else (change.kind, change.id)
            changes.setdefault(key, []).append(change)
        ranked = sorted(changes, key=lambda key: _RANKS[key[0]])
        self.left_out = max(len(ranked) - MAX_PARTS, 0)
        self.parts = [self._whole_part(key, changes[key]) for key in ranked[:MAX_PARTS]]
        for number, part in enumerate(self.parts):
            part.anchor = f"change-{number + 1}"
            part.note = _note(part)

    def _whole_part(self, key: tuple[str, str], changes: list[PartChange]) -> ShownPart:
        part = self._part(changes[0], *key)
        for change in changes:
            shown = self._shown_fields(change)
            part.fields += [self._field(one, change) for one in shown[: self._fields_left]]
            if change.kind == "agent" and change.change != "changed" and not shown:
                # Only its name says that it came or went.
                piece = Piece(change.change, change.label)
                part.fields.append(ShownField(f"{WHICH[change.change]} agent", [piece]))
            part.left_out += max(len(shown) - self._fields_left, 0)
            self._fields_left -= min(len(shown), self._fields_left)
        if part.change == "changed" and len(changes) > 1:
            part.agents = _agents(changes)
        return part

    def _part(self, change: PartChange, kind: str, part_id: str) -> ShownPart:
        """An agent's change alone makes one of its block."""
        is_agent = change.kind == "agent"
        return ShownPart(
            kind=kind,
            id=part_id,
            title=self._labels.get(part_id, part_id) if is_agent else change.label,
            change="changed" if is_agent else change.change,
            type=self._types.get(part_id, "") if kind == "block" else "",
            is_takeable=bool(part_id) and (is_agent or _is_takeable(change)),
        )

    def _shown_fields(self, part: PartChange) -> list[FieldChange]:
        """What the title says already is left out of parts that came or went."""
        said = _SAID[part.kind] if part.change != "changed" else ()
        return [change for change in part.fields if change.name not in said]

    def _field(self, change: FieldChange, part: PartChange) -> ShownField:
        named = _named(part.kind, self._types.get(part.id, ""), change)
        label = named.label
        if part.kind == "agent":
            how = f"{WHICH[part.change]} agent " if part.change in WHICH else ""
            label = f"{how}{part.label}, {label[:1].lower()}{label[1:]}"
        if change.words:
            pieces = [self._shortened(op, text) for op, text in change.words]
        else:
            before = Piece("removed", named.words(change.before))
            after = Piece("added", named.words(change.after))
            shown = {"added": [after], "removed": [before]}.get(part.change, [before, after])
            pieces = [self._cut(piece) for piece in shown]
        return ShownField(label, pieces, named.is_code)

    def _shortened(self, op: str, text: str) -> Piece:
        if self._whole or op != "same" or len(text) <= MAX_SAME:
            return Piece(op, text)
        self.is_shortened = True
        return Piece(op, text[:END], len(text) - 2 * END, text[-END:])

    def _cut(self, piece: Piece) -> Piece:
        left_out = len(piece.text) - MAX_VALUE
        if self._whole or left_out <= 0:
            return piece
        self.is_shortened = True
        return Piece(piece.op, piece.text[:MAX_VALUE], left_out)


_RANKS = {"block": 0, "connection": 1, "design": 2}
_SAID = {
    "block": ("id", "label", "type"), "agent": ("id", "name"),
    "connection": ("source", "target"), "design": (),
}  # fmt: skip


def _is_takeable(change: PartChange) -> bool:
    """Not an order, and not what a block keeps when it is taken: its id, its position."""
    if change.kind == "design":
        return change.id not in ("blocks", "connections")
    kept = {"id", "position"}
    return change.change != "changed" or any(one.name not in kept for one in change.fields)


def _agents(changes: list[PartChange]) -> list[ShownAgent]:
    agents = [change for change in changes if change.kind == "agent" and change.id]
    return [ShownAgent(one.id, one.label, one.change) for one in agents[:MAX_AGENTS]]


def _note(part: ShownPart) -> str:
    """As in "prompt, model"."""
    if part.kind == "connection":
        return part.kind
    if part.change != "changed":
        return part.how
    if part.kind == "design":
        count = len(part.fields)
        return "" if count == 1 else f"{count} fields"
    names = dict.fromkeys(one.label.rpartition(", ")[2].lower() for one in part.fields)
    first, more = list(names)[:2], len(names) - 2
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


# --- Fields ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Named:
    """A field as people know it."""

    label: str
    is_code: bool = False
    nothing: str = NOTHING
    choices: Mapping[str, str] = field(default_factory=dict)

    def words(self, value: Any) -> str:
        if value is None:
            return self.nothing
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            return self.choices.get(value, value) or "empty"
        if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            return ", ".join(value)
        return json.dumps(value, ensure_ascii=False, indent=2)


def _named(kind: str, block_type: str, change: FieldChange) -> _Named:
    first, _, rest = change.name.partition("/")
    if kind == "design" and rest:
        place = [word for word in rest.split("/") if word != "properties"]
        return _Named(" / ".join(place) or rest, is_code=_is_structure(change))
    if first == "settings" and rest and block_type in PALETTE:
        controls, name = _controls(PALETTE[block_type].settings_type), rest
    else:
        controls, name = _controls(_MODELS[kind]), change.name
    head, _, inner = name.partition("/")
    control = controls.get(f"/{head}")
    label = FIELD_LABELS.get(head) or (control.label if control else _sentence(head))
    if inner:
        label = f"{label} / {inner}"
    if control is None:
        return _Named(label, is_code=_is_structure(change))
    is_code = control.kind in _MONO or (first == "settings" and control.kind == "template")
    return _Named(
        label,
        is_code or _is_structure(change),
        control.placeholder or NOTHING,
        {choice.value: choice.label for choice in control.choices if choice.value},
    )


_MONO = frozenset({"expression", "json", "id", "model", "models"})


@cache
def _controls(model: type[BaseModel]) -> dict[str, Control]:
    found: dict[str, Control] = {}
    for control in controls_of(model):
        # A list of models has two controls.
        found.setdefault(control.pointer, control)
    return found


def _is_structure(change: FieldChange) -> bool:
    return any(isinstance(value, dict | list) for value in (change.before, change.after))


def _sentence(name: str) -> str:
    return name.replace("_", " ").capitalize()
