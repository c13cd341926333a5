"""Reads what can be drawn of a draft, which may be any JSON value."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

from designs.graph.placing import ROW_GAP, Link, Placing, Point, Size, place
from designs.graph.spec import MAX_AGENTS, MAX_BLOCKS, MAX_CONNECTIONS

WIDTH = 196
HEAD = 56
ROW = 28
MAX_ROWS = 6
MAX_TEXT = 200
# Positions beyond this are left out: a picture of that size could not be looked at.
FARTHEST = 1_000_000


@dataclass(frozen=True, slots=True)
class DrawnAgent:
    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """`index` is its place in the document's list."""

    index: int
    id: str
    type: str
    label: str
    agents: tuple[DrawnAgent, ...]
    position: Point | None


@dataclass(frozen=True, slots=True)
class DrawnWire:
    """`label` is the condition (then `is_code`), or else the route; `meaning` has both."""

    id: str
    source: str
    target: str
    source_agent: str
    target_agent: str
    label: str
    is_code: bool
    meaning: str
    index: int

    @property
    def link(self) -> Link:
        return self.source, self.target


@dataclass(frozen=True, slots=True)
class Drawing:
    name: str
    blocks: dict[str, DrawnBlock]
    wires: tuple[DrawnWire, ...]


def block_size(agents: int) -> Size:
    """The size of a block with so many agents. After six rows, one row counts the others."""
    return WIDTH, HEAD + ROW * min(agents, MAX_ROWS + 1)


def read_drawing(document: object) -> Drawing:
    """Never raises. A block without an id of its own gets one that no connection can name."""
    raw = document if isinstance(document, dict) else {}
    items = _objects(raw.get("blocks"), MAX_BLOCKS)
    ids = {_text(item.get("id")) for _, item in items} - {""}
    blocks: dict[str, DrawnBlock] = {}
    for index, item in items:
        name = _text(item.get("id")) or f"#{index + 1}"
        if name in blocks or name not in ids:
            name = _free_name(f"#{index + 1}", blocks.keys() | ids)
        blocks[name] = _block(index, name, item)
    wires = tuple(
        _wire(index, item)
        for index, item in _objects(raw.get("connections"), MAX_CONNECTIONS)
        if _text(item.get("source")) in ids and _text(item.get("target")) in ids
    )
    return Drawing(_text(raw.get("name")), blocks, wires)


def placed(drawing: Drawing, with_agents: bool = True) -> Placing:
    """Saved positions, else calculated ones; blocks added without one come below the others."""
    sizes = {
        block.id: block_size(len(block.agents) if with_agents else 0)
        for block in drawing.blocks.values()
    }
    links = [wire.link for wire in drawing.wires]
    saved = {block.id: block.position for block in drawing.blocks.values() if block.position}
    if len(set(saved.values())) <= 1 < len(sizes):
        return place(sizes, links)
    missing = {name: size for name, size in sizes.items() if name not in saved}
    left = min((x for x, _ in saved.values()), default=0)
    bottom = max((y + sizes[name][1] for name, (_, y) in saved.items()), default=0) + 2 * ROW_GAP
    for name, (x, y) in place(missing, links).positions.items():
        saved[name] = (left + x, bottom + y)
    return Placing(saved, [[] for _ in links])


def run_order(drawing: Drawing) -> list[str]:
    """Block ids, each after all that lead to it; those of a cycle come last."""
    leaving: dict[str, list[str]] = {name: [] for name in drawing.blocks}
    missing = dict.fromkeys(drawing.blocks, 0)
    for wire in drawing.wires:
        leaving[wire.source].append(wire.target)
        missing[wire.target] += 1
    order = [name for name, count in missing.items() if not count]
    for name in order:
        for target in leaving[name]:
            missing[target] -= 1
            if not missing[target]:
                order.append(target)
    known = set(order)
    return order + [name for name in drawing.blocks if name not in known]


def _free_name(name: str, taken: Set[str]) -> str:
    while name in taken:
        name = f"#{name}"
    return name


def _block(index: int, name: str, item: dict[str, Any]) -> DrawnBlock:
    agents = tuple(
        DrawnAgent(
            _text(agent.get("id")),
            _text(agent.get("name")) or _text(agent.get("id")) or "Agent",
            _text(agent.get("role")),
        )
        for _, agent in _objects(item.get("agents"), MAX_AGENTS)
    )
    label = _text(item.get("label")) or name
    position = _position(item.get("position"))
    return DrawnBlock(index, name, _text(item.get("type")), label, agents, position)


def _wire(index: int, item: dict[str, Any]) -> DrawnWire:
    route, when = _text(item.get("route")), _text(item.get("when"))
    return DrawnWire(
        _text(item.get("id")),
        _text(item.get("source")),
        _text(item.get("target")),
        _text(item.get("source_agent")),
        _text(item.get("target_agent")),
        when or route,
        bool(when),
        ", if ".join(filter(None, (route, when))),
        index,
    )


def _position(raw: object) -> Point | None:
    if not isinstance(raw, dict):
        return None
    x, y = (_number(raw.get(key, 0)) for key in ("x", "y"))
    return None if x is None or y is None else (x, y)


def _number(raw: object) -> float | None:
    if not isinstance(raw, int | float) or isinstance(raw, bool):
        return None
    return raw if abs(raw) <= FARTHEST else None


def _objects(raw: object, most: int) -> list[tuple[int, dict[str, Any]]]:
    items = raw if isinstance(raw, list) else []
    return [(index, item) for index, item in enumerate(items[:most]) if isinstance(item, dict)]


def _text(raw: object) -> str:
    """The beginning of a text, in characters that can be sent."""
    if not isinstance(raw, str):
        return ""
    text = raw[:MAX_TEXT]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
