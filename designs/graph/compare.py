"""Two documents compared part by part: blocks, agents, connections, fields of the design."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeGuard

from pydantic import BaseModel

from designs.graph.matching import Matches, Pair, Part, id_of, is_list
from designs.graph.report import pointer
from designs.graph.same_values import is_same
from designs.graph.shape import key_names
from designs.graph.spec import Agent, Block, Connection, Graph
from designs.graph.word_changes import Steps, Words, compare_words

Kind = Literal["block", "agent", "connection", "design"]
How = Literal["added", "changed", "removed"]

MAX_LABEL = 200
# Objects nested deeper than this are compared as a whole.
MAX_LEVELS = 6
# Texts without a gap up to this length are names: shown as a whole, not by words.
MAX_NAME = 60
LABELS = {
    "schema": "Layout", "name": "Name", "description": "Description", "model": "Default model",
    "input_schema": "Input schema", "output_schema": "Output schema", "output": "Output",
    "blocks": "Order of the blocks", "connections": "Order of the connections",
}  # fmt: skip
# No fields of their own: the place on the canvas, parts inside a part, ids that nothing names.
_APART: dict[type[BaseModel], frozenset[str]] = {
    Graph: frozenset({"blocks", "connections"}),
    Block: frozenset({"position", "agents"}),
    Agent: frozenset(),
    Connection: frozenset({"id"}),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """`name` is a path inside the part, as in `settings/rounds`. A missing value is None.

    `words` are the pieces of both texts, for texts longer than a name.
    """

    name: str
    before: Any
    after: Any
    words: Words = ()


@dataclass(frozen=True, slots=True)
class PartChange:
    """A part that came, went or changed. `id` is the newer one; agents also have `block_id`."""

    kind: Kind
    id: str
    label: str
    change: How
    fields: tuple[FieldChange, ...] = ()
    block_id: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Changes of the design, its blocks (each followed by its agents) and its connections.

    `is_coarse`: some texts were too large to be compared word by word.
    """

    changes: tuple[PartChange, ...]
    matches: Matches = field(compare=False, repr=False)
    is_coarse: bool = False

    def summary(self) -> dict[How, int]:
        """How many parts came, changed and went; agents count as a change of their block."""
        whole = {part.id: part.change for part in self.changes if part.kind == "block"}
        for part in self.changes:
            if part.kind == "agent":
                whole.setdefault(part.block_id, "changed")
        counts = Counter(whole.values())
        counts.update(p.change for p in self.changes if p.kind in ("connection", "design"))
        return {
            "added": counts["added"],
            "changed": counts["changed"],
            "removed": counts["removed"],
        }


def compare_documents(
    before: object, after: object, defaults: Mapping[str, Mapping[str, Any]]
) -> Comparison:
    """Compare two JSON values as documents. Never raises, and takes a bounded time for any.

    Missing fields have their defaults; `defaults` are the settings of each type of block. Positions
    count only if nothing else changed.
    """
    comparing = _Comparing(_object(before), _object(after), defaults)
    changes = tuple(comparing.changes()) or tuple(comparing.moves())
    return Comparison(changes, comparing.matches, comparing.steps.is_coarse)


class _Comparing:
    def __init__(
        self, before: Part, after: Part, defaults: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self._before, self._after, self._defaults = before, after, defaults
        self.steps = Steps()
        self.matches = Matches(before, after)
        self._shapes = {model: _Shape(model) for model in (Graph, Agent, Connection)}
        self._names = {id_of(old): name_of(old) for old, _ in self.matches.blocks if old}
        self._names |= {id_of(new): name_of(new) for _, new in self.matches.blocks if new}

    def changes(self) -> Iterator[PartChange]:
        yield from self._design()
        found = self.matches
        yield from self._order("blocks", found.old_blocks, found.blocks)
        for (old, new), (before, agents) in zip(found.blocks, found.agents, strict=True):
            yield from self._block(old, new, before, agents)
        for old, new in found.connections:
            fields = tuple(self._between(self._shapes[Connection], old, new))
            yield from _part("connection", old, new, fields, label=self._way(new or old or {}))
        yield from self._order("connections", found.ends, found.connections)

    def moves(self) -> Iterator[PartChange]:
        """Blocks that have another position."""
        for old, new in self.matches.blocks:
            if old and new and not is_same(old.get("position"), new.get("position")):
                moved = FieldChange("position", old.get("position"), new.get("position"))
                yield PartChange("block", id_of(new), name_of(new), "changed", (moved,))

    def _design(self) -> Iterator[PartChange]:
        shape = self._shapes[Graph]
        old, new = shape.values(self._before), shape.values(self._after)
        for key in _keys(old, new):
            if fields := tuple(self._fields(key, old.get(key), new.get(key))):
                label = LABELS.get(key, key)[:MAX_LABEL]
                yield PartChange("design", key, label, "changed", fields)

    def _order(self, key: str, before: list[Part], pairs: list[Pair]) -> Iterator[PartChange]:
        label = name_of if key == "blocks" else self._way
        if order := _another_order(key, before, pairs, label):
            yield PartChange("design", key, LABELS[key], "changed", (order,))

    def _block(
        self, old: Part | None, new: Part | None, before: list[Part], pairs: list[Pair]
    ) -> Iterator[PartChange]:
        found = [part.get("type") for part in (old, new) if part]
        types = {kind for kind in found if _is_text(kind)}
        settings = self._defaults.get(types.pop(), {}) if len(types) == 1 else {}
        fields = list(self._between(_Shape(Block, settings), old, new))
        if old and new and (order := _another_order("agents", before, pairs, name_of)):
            fields.append(order)
        yield from _part("block", old, new, tuple(fields))
        for was, now in pairs:
            changes = tuple(self._between(self._shapes[Agent], was, now))
            yield from _part("agent", was, now, changes, block_id=id_of(new or old or {}))

    def _way(self, connection: Part) -> str:
        """A connection in words, by the labels of its blocks."""
        ends = (connection.get("source"), connection.get("target"))
        names = (self._names.get(end, end) if _is_text(end) else "?" for end in ends)
        return " → ".join(str(name)[:MAX_LABEL] for name in names)

    def _between(self, shape: _Shape, old: Part | None, new: Part | None) -> Iterator[FieldChange]:
        """The fields that differ; of a part that came or went those that say something."""
        if old is not None and new is not None:
            if is_same(old, new):
                return
            before, after = shape.values(old), shape.values(new)
            for key in _keys(before, after):
                yield from self._fields(key, before.get(key), after.get(key))
            return
        for key, value in shape.values(new or old or {}).items():
            if not is_same(value, shape.usual.get(key)):
                yield FieldChange(key, *((None, value) if new is not None else (value, None)))

    def _fields(self, name: str, before: Any, after: Any, level: int = 0) -> Iterator[FieldChange]:
        if is_same(before, after):
            return
        if isinstance(before, dict) and isinstance(after, dict) and level < MAX_LEVELS:
            for key in _keys(before, after):
                inner = f"{name}{pointer(key)}"
                yield from self._fields(inner, before.get(key), after.get(key), level + 1)
            return
        words: Words = ()
        if _is_text(before) and _is_text(after) and not (_is_name(before) and _is_name(after)):
            words = compare_words(before, after, self.steps)
        yield FieldChange(name, before, after, words)


class _Shape:
    """The fields of a kind of part by name, with their defaults; settings one by one."""

    def __init__(self, model: type[BaseModel], settings: Mapping[str, Any] | None = None) -> None:
        self._apart = _APART[model]
        self._defaults = _defaults(model)
        self._names = key_names(model)
        self._settings = settings or {}
        self.usual = self.values({})

    def values(self, part: Part) -> Part:
        complete = {**self._defaults, **part}
        values: Part = {}
        for name in (*self._names, *sorted(part.keys() - self._names)):
            if name not in complete:
                continue
            value = complete[name]
            if name == "settings" and isinstance(value, dict):
                settings = {**self._settings, **value}
                values |= {f"settings{pointer(key)}": settings[key] for key in settings}
            elif name not in self._apart or _is_odd(name, value):
                values[name] = value
        return values


@cache
def _defaults(model: type[BaseModel]) -> Part:
    return {
        info.alias or name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if not info.is_required()
    }


def _part(
    kind: Kind,
    old: Part | None,
    new: Part | None,
    fields: tuple[FieldChange, ...],
    *,
    label: str = "",
    block_id: str = "",
) -> Iterator[PartChange]:
    part = new or old or {}
    change: How = "added" if old is None else "removed" if new is None else "changed"
    if fields or change != "changed":
        yield PartChange(kind, id_of(part), label or name_of(part), change, fields, block_id)


def _another_order(
    key: str, before: list[Part], pairs: Iterable[Pair], label: Callable[[Part], str]
) -> FieldChange | None:
    """The order of the parts in both documents, if it is another one now."""
    places = {id(part): place for place, part in enumerate(before)}
    kept = [(places[id(old)], new) for old, new in pairs if old is not None and new is not None]
    was = sorted(kept, key=lambda entry: entry[0])
    if was == kept:
        return None
    before_names, names = ([label(part) for _, part in order] for order in (was, kept))
    return FieldChange(key, before_names, names)


def name_of(part: Part) -> str:
    """What people call a block or an agent."""
    for key in ("label", "name", "id"):
        if _is_text(part.get(key)) and part[key].strip():
            return str(part[key])[:MAX_LABEL]
    return "without a name"


def _keys(before: Part, after: Part) -> list[str]:
    return list({**before, **after})


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _is_name(text: str) -> bool:
    return len(text) <= MAX_NAME and not any(map(str.isspace, text))


def _is_odd(name: str, value: object) -> bool:
    """Whether it should be a list of parts and is none, so that nothing else shows it."""
    return name in ("blocks", "agents", "connections") and not is_list(value)


def _object(value: object) -> Part:
    return value if isinstance(value, dict) else {} if value is None else {"value": value}
