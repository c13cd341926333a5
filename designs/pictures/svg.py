"""Pictures of graphs as SVG, drawn on the server."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise, takewhile
from typing import Literal

from django.utils.html import format_html, format_html_join

from designs.graph.drawing import (
    HEAD,
    MAX_ROWS,
    ROW,
    WIDTH,
    Drawing,
    DrawnBlock,
    DrawnWire,
    block_size,
    placed,
    read_drawing,
)
from designs.graph.placing import PORT, Point
from designs.pictures.pictograms import PICTOGRAMS, STATES, UNKNOWN_TYPE
from designs.runtime.cache import TextCache

Size = Literal["thumb", "card", "full"]

MARGIN = 16
# In pixels; a larger picture is scaled down.
LONGEST = 12_000
# The frame of a small graph in a card.
SMALLEST = (460, 176)
MARKS = {"added": "+", "changed": "~", "removed": "−"}
OFF = frozenset({"skipped", "not_reached", "cancelled"})
TAKEN = frozenset({"completed", "degraded", "failed", "timed_out"})
# Widths of characters as parts of the font's size.
NARROW, WIDE = frozenset("ijlftrI.,:;'|!()[] "), frozenset("mwMW@%")

NOTHING = format_html("{}", "")

_pictures: TextCache[tuple[Hashable, Size]] = TextCache(max_characters=8_000_000)


@dataclass(frozen=True, slots=True)
class _Look:
    size: Size
    states: Mapping[str, str]
    marked: Mapping[str, str]
    marked_wires: Mapping[str, str]
    links: Mapping[str, str]
    chosen: str

    @property
    def has_agents(self) -> bool:
        return self.size != "thumb"


def graph_picture(
    document: object,
    *,
    size: Size = "full",
    states: Mapping[str, str] | None = None,
    marked: Mapping[str, str] | None = None,
    marked_wires: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    chosen: str = "",
) -> str:
    """The SVG of a document, which may be any JSON value.

    `states` are states of a run by block id (names as in `pictograms.STATES`); `marked` and
    `marked_wires` are `added`, `changed` or `removed` by block id and by connection id. `links` are
    addresses by block id, and `chosen` is the block that is looked at.
    """
    look = _Look(size, states or {}, marked or {}, marked_wires or {}, links or {}, chosen)
    drawing = read_drawing(document)
    if not drawing.blocks:
        return format_html('<p class="graph-empty faint">{}</p>', "No blocks yet.")
    return _svg(drawing, look)


def remembered_picture(key: Hashable, document: object, size: Size) -> str:
    """The picture of a document that never changes: of a version, or of a draft's revision."""
    text = known_picture(key, size)
    if text is None:
        text = graph_picture(document, size=size)
        _pictures.put((key, size), text)
    return text


def known_picture(key: Hashable, size: Size) -> str | None:
    """The picture if it is remembered."""
    return _pictures.get((key, size))


def pictogram(block_type: str) -> str:
    """The path of a block type, for an SVG of 24 by 24."""
    return format_html('<path d="{}"/>', PICTOGRAMS.get(block_type, UNKNOWN_TYPE))


def state_sign(state: str) -> str:
    """The paths of a state, for an SVG of 16 by 16; nothing for an unknown one."""
    _, sign = STATES.get(state, ("", ()))
    return format_html_join("", '<path class="sign-{}" d="{}"/>', sign)


def _svg(drawing: Drawing, look: _Look) -> str:
    placing = placed(drawing, look.has_agents)
    frame = _Frame(drawing, placing.positions, look)
    wires = zip(drawing.wires, placing.routes, strict=True)
    parts = [
        *(frame.wire(wire, bends) for wire, bends in wires),
        *(frame.block(block) for block in drawing.blocks.values()),
        *(frame.pill(wire) for wire in drawing.wires if wire.label and look.size != "thumb"),
    ]
    width, height = frame.width, frame.height
    natural = NOTHING
    if look.size == "full":
        scale = min(1, LONGEST / max(width, height))
        natural = format_html(' width="{}" height="{}"', _n(width * scale), _n(height * scale))
    return format_html(
        '<svg class="graph size-{}" viewBox="0 0 {} {}"{} preserveAspectRatio="xMidYMid meet"'
        ' role="{}" aria-label="{}">{}</svg>',
        look.size,
        _n(width),
        _n(height),
        natural,
        # An image has no parts to go to.
        "group" if look.links else "img",
        _caption(drawing),
        _joined(parts),
    )


class _Frame:
    """A drawing whose left upper corner is at the margin."""

    def __init__(self, drawing: Drawing, positions: Mapping[str, Point], look: _Look) -> None:
        self.drawing, self.look = drawing, look
        self.sizes = {
            block.id: block_size(len(block.agents) if look.has_agents else 0)
            for block in drawing.blocks.values()
        }
        lefts, tops = ([corner[axis] for corner in positions.values()] for axis in (0, 1))
        bottom = max(y + self.sizes[name][1] for name, (_, y) in positions.items())
        width = max(lefts) - min(lefts) + WIDTH + 2 * MARGIN
        height = bottom - min(tops) + 2 * MARGIN
        # A small graph is not drawn larger than it is.
        least_width, least_height = (0, 0) if look.size == "full" else SMALLEST
        self.width, self.height = max(width, least_width), max(height, least_height)
        self.left = min(lefts) - MARGIN - (self.width - width) / 2
        self.top = min(tops) - MARGIN - (self.height - height) / 2
        self.corners = {name: (x - self.left, y - self.top) for name, (x, y) in positions.items()}

    # --- Wires ------------------------------------------------------------------------------------

    def wire(self, wire: DrawnWire, bends: list[Point]) -> str:
        start, end = self._ends(wire)
        points = [start, *((x - self.left, y - self.top) for x, y in bends), (end[0] - 5, end[1])]
        kind = " ".join(filter(None, (self._wire_state(wire), self.look.marked_wires.get(wire.id))))
        path = f"M{_n(start[0])} {_n(start[1])}" + "".join(
            _curve(a, b) for a, b in pairwise(points)
        )
        return format_html(
            '<path class="wire {0}" d="{1}"/><path class="tip {0}" d="M{2} {3}l6 3.6-6 3.6z"/>',
            kind,
            path,
            _n(end[0] - 6),
            _n(end[1] - 3.6),
        )

    def pill(self, wire: DrawnWire) -> str:
        start, end = self._ends(wire)
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        font = 10 if wire.is_code else 10.5
        text = _cut(_short(wire.label) if wire.is_code else wire.label, 90, font, wire.is_code)
        width = _width(text, font, wire.is_code) + 16
        return format_html(
            '<g class="pill{}"><title>{}</title><rect x="{}" y="{}" width="{}" height="18" rx="9"/>'
            '<text x="{}" y="{}">{}</text></g>',
            " code" if wire.is_code else "",
            wire.meaning,
            _n(x - width / 2),
            _n(y - 9),
            _n(width),
            _n(x),
            _n(y + 3.6),
            text,
        )

    def _ends(self, wire: DrawnWire) -> tuple[Point, Point]:
        x, y = self.corners[wire.source]
        start = (x + WIDTH, y + self._port(wire.source, wire.source_agent))
        x, y = self.corners[wire.target]
        return start, (x, y + self._port(wire.target, wire.target_agent))

    def _port(self, block_id: str, agent_id: str) -> float:
        if not agent_id or not self.look.has_agents:
            return PORT
        agents = self.drawing.blocks[block_id].agents
        row = next((row for row, agent in enumerate(agents) if agent.id == agent_id), None)
        return PORT if row is None else HEAD + ROW * (min(row, MAX_ROWS) + 0.5)

    def _wire_state(self, wire: DrawnWire) -> str:
        source, target = (self.look.states.get(end) for end in (wire.source, wire.target))
        if source in OFF or target in OFF:
            return "off"
        if target == "running":
            return "flow"
        return "taken" if source in TAKEN and target in TAKEN else ""

    # --- Blocks -----------------------------------------------------------------------------------

    def block(self, block: DrawnBlock) -> str:
        state, mark = self.look.states.get(block.id, ""), self.look.marked.get(block.id, "")
        shape = self._shape(block, state, mark)
        if (url := self.look.links.get(block.id)) is None:
            return shape
        return format_html(
            '<a href="{}" data-pick="{}"{}>{}</a>',
            url,
            block.id,
            format_html(' aria-current="{}"', "true") if block.id == self.look.chosen else NOTHING,
            shape,
        )

    def _shape(self, block: DrawnBlock, state: str, mark: str) -> str:
        x, y = self.corners[block.id]
        return format_html(
            '<g class="block {} {}{}" data-block="{}" transform="translate({} {})">'
            "<title>{}</title>"
            '<rect class="box" width="{}" height="{}" rx="8"/>{}{}{}{}</g>',
            state if state in STATES else "",
            mark if mark in MARKS else "",
            " selected" if block.id == self.look.chosen else "",
            block.id,
            _n(x),
            _n(y),
            _title(block, state, mark),
            _n(WIDTH),
            _n(self.sizes[block.id][1]),
            self._head(block),
            self._rows(block),
            _state(state),
            _mark(mark),
        )

    def _head(self, block: DrawnBlock) -> str:
        is_thumb = self.look.size == "thumb"
        kind = NOTHING
        if not is_thumb:
            kind = format_html('<text class="kind" x="50" y="42">{}</text>', _kind(block))
        return format_html(
            '<rect class="tile" x="10" y="13" width="30" height="30" rx="6"/>'
            '<g class="pictogram" transform="translate(15 18) scale(.8333)">{}</g>'
            '<text class="label" x="50" y="{}">{}</text>{}',
            pictogram(block.type),
            _n(33 if is_thumb else 26),
            _cut(block.label, 118 if block.id in self.look.states else 138, 13),
            kind,
        )

    def _rows(self, block: DrawnBlock) -> str:
        if not block.agents or not self.look.has_agents:
            return NOTHING
        texts = [_cut(agent.name, WIDTH - 28, 11.5) for agent in block.agents[:MAX_ROWS]]
        if more := len(block.agents) - len(texts):
            texts.append(f"+ {more} more")
        rows = ((_n(HEAD + ROW * row + 18), text) for row, text in enumerate(texts))
        return format_html(
            '<path class="rule" d="M0 {}h{}"/>{}',
            _n(HEAD),
            _n(WIDTH),
            format_html_join("", '<text class="agent" x="14" y="{}">{}</text>', rows),
        )


def _state(state: str) -> str:
    if state not in STATES:
        return NOTHING
    sign = state_sign(state)
    return format_html(
        '<g class="state {}" transform="translate({} 12)">{}</g>', state, WIDTH - 28, sign
    )


def _mark(mark: str) -> str:
    if mark not in MARKS:
        return NOTHING
    return format_html(
        '<g class="mark"><circle cx="{}" r="9"/><text x="{}" y="4">{}</text></g>',
        WIDTH,
        WIDTH,
        MARKS[mark],
    )


# --- Words and numbers ----------------------------------------------------------------------------


def _caption(drawing: Drawing) -> str:
    blocks, wires = len(drawing.blocks), len(drawing.wires)
    counts = f"{_count(blocks, 'block')}, {_count(wires, 'connection')}"
    return f"Graph of {drawing.name or 'a design'}: {counts}"


def _title(block: DrawnBlock, state: str, mark: str) -> str:
    agents = _count(len(block.agents), "agent") if block.agents else ""
    word = STATES[state][0].lower() if state in STATES else ""
    return ", ".join(filter(None, (block.label, block.type, agents, word, mark)))


def _kind(block: DrawnBlock) -> str:
    return _cut(block.type.replace("_", " ").capitalize() or "No type", 130, 11)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(condition: str) -> str:
    return condition.replace("`", "").replace("input.", "")


def _curve(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    if y == to_y and to_x >= x:
        return f"H{_n(to_x)}"
    reach = (to_x - x) / 2 if to_x - x >= 48 else max(48, min(160, abs(to_x - x) / 2))
    return f"C{_n(x + reach)} {_n(y)} {_n(to_x - reach)} {_n(to_y)} {_n(to_x)} {_n(to_y)}"


def _cut(text: str, width: float, font: float, is_code: bool = False) -> str:
    if _width(text, font, is_code) <= width:
        return text
    widths = accumulate(_parts(text, is_code))
    kept = sum(1 for _ in takewhile(lambda most: font * most <= width - font, widths))
    return f"{text[:kept].rstrip()}…"


def _width(text: str, font: float, is_code: bool = False) -> float:
    """About the width of a text; what the browser draws may differ a little."""
    return font * sum(_parts(text, is_code))


def _parts(text: str, is_code: bool) -> Iterator[float]:
    if is_code:
        return (0.6 if letter < "\u2e80" else 1 for letter in text)
    return map(_part, text)


def _part(letter: str) -> float:
    if letter in NARROW:
        return 0.32
    if letter in WIDE or letter >= "\u2e80":
        return 0.9
    return 0.7 if letter.isupper() else 0.59


@lru_cache(4_096)
def _n(value: float) -> str:
    """The number as text that needs no escaping, which would take longer than all the rest."""
    return format_html("{}", f"{value:.1f}".removesuffix(".0"))


def _joined(parts: Iterable[str]) -> str:
    return format_html_join("", "{}", ((part,) for part in parts))
