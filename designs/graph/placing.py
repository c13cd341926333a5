"""Places the blocks of a graph in columns from left to right, with few crossings of wires."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from statistics import median

Point = tuple[float, float]
# The width and height of a block.
Size = tuple[float, float]
Link = tuple[str, str]

GRID = 16
# Between columns there is room for a pill on a wire.
COLUMN_GAP = 112
ROW_GAP = 32
# Wires leave and arrive this far below the top of a block.
PORT = 28
# A wire that passes a column has half of this above and below it.
WIRE = 16
MOVES = 4
SWEEPS = 16
# Sweeps without a gain after which there are no more.
PATIENCE = 4
# The orders to begin with: the document's, then nodes mixed by steps of so many, in each column
# differently.
STRIDES = (1, 389, 631)
COLUMN_STRIDE = 277
PRIME = 1_009
# With more nodes, the first of them has to do.
MAX_RESTARTED = 400
# With more passed columns than this, wires have no room of their own there.
MAX_PASSED = 1_500
# With more connections, neighbours in a column are not compared: that takes the square of them.
MAX_COMPARED = 500


@dataclass(frozen=True, slots=True)
class Placing:
    """Left upper corners by block id, and for each connection the points in which its wire passes
    columns, two for each (none for a wire to the next column).
    """

    positions: dict[str, Point]
    routes: list[list[Point]]


def place(sizes: Mapping[str, Size], connections: Iterable[Link]) -> Placing:
    """The same input has the same result. Connections may be doubled, dangling or in a cycle."""
    given = list(connections)
    links = [
        (source, target)
        for source, target in dict.fromkeys(given)
        if source in sizes and target in sizes and source != target
    ]
    positions: dict[str, Point] = {}
    bends: dict[Link, list[Point]] = {}
    bottom = 0.0
    single = []
    for names, inner in _components(sizes, links):
        if inner:
            columns = _Columns(sizes, names, _without_cycles(names, inner))
            bottom = columns.write(bottom, positions, bends)
        else:
            single += names
    _write_single(sizes, single, bottom, positions)
    return Placing(positions, [bends.get(link, []) for link in given])


def snapped(length: float) -> int:
    return GRID * -int(-length // GRID)


def _write_single(
    sizes: Mapping[str, Size], names: Sequence[str], top: float, positions: dict[str, Point]
) -> None:
    """Blocks without connections, in rows of about as many as there are rows."""
    in_row = max(4, int(len(names) ** 0.5))
    for start in range(0, len(names), in_row):
        left, row = 0.0, names[start : start + in_row]
        for name in row:
            positions[name] = (left, top)
            left += snapped(sizes[name][0] + COLUMN_GAP)
        top += snapped(max(sizes[name][1] for name in row) + ROW_GAP)


# --- The graph ------------------------------------------------------------------------------------


def _components(
    sizes: Mapping[str, Size], links: list[Link]
) -> Iterator[tuple[list[str], list[Link]]]:
    """Blocks that are connected with each other, in the order of the first of each."""
    parts = {name: [name] for name in sizes}
    for source, target in links:
        small, large = sorted((parts[source], parts[target]), key=len)
        if small is not large:
            large.extend(small)
            parts.update(dict.fromkeys(small, large))
    inner: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        inner[id(parts[link[0]])].append(link)
    order = {name: place for place, name in enumerate(sizes)}
    for part in {id(part): part for part in parts.values()}.values():
        yield sorted(part, key=order.__getitem__), inner[id(part)]


def _without_cycles(names: list[str], links: list[Link]) -> list[Link]:
    """The links but those that lead back to a block on the way to them."""
    leaving: dict[str, list[str]] = defaultdict(list)
    for source, target in links:
        leaving[source].append(target)
    kept: list[Link] = []
    done: set[str] = set()
    for start in names:
        stack, on_way = [(start, iter(leaving[start]))], {start}
        while stack and start not in done:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                on_way.discard(name)
                done.add(name)
            elif following not in on_way:
                kept.append((name, following))
                if following not in done:
                    on_way.add(following)
                    stack.append((following, iter(leaving[following])))
    return kept


def _depths(names: list[str], links: list[Link]) -> dict[str, int]:
    """The column of each block, behind all that lead to it. Within that, blocks move to where their
    wires pass fewer columns.
    """
    leaving, coming = defaultdict(list), defaultdict(list)
    for source, target in links:
        leaving[source].append(target)
        coming[target].append(source)
    missing = {name: len(coming[name]) for name in names}
    order = [name for name in names if not missing[name]]
    depths = dict.fromkeys(names, 0)
    for name in order:
        for target in leaving[name]:
            depths[target] = max(depths[target], depths[name] + 1)
            missing[target] -= 1
            if not missing[target]:
                order.append(target)
    for _ in range(MOVES):
        for name in reversed(order):
            _draw_near(name, depths, coming[name], leaving[name])
    first = min(depths.values())
    return {name: depth - first for name, depth in depths.items()}


def _draw_near(name: str, depths: dict[str, int], coming: list[str], leaving: list[str]) -> None:
    if len(leaving) > len(coming):
        depths[name] = min(depths[target] for target in leaving) - 1
    elif len(leaving) < len(coming):
        depths[name] = max(depths[source] for source in coming) + 1


# --- Columns --------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Node:
    """A block, or a wire where it passes a column. `line` is the height of its wires."""

    above: float
    below: float
    width: float = 0
    left: list[_Node] = field(default_factory=list)
    right: list[_Node] = field(default_factory=list)
    index: int = 0
    line: float = 0


class _Columns:
    def __init__(self, sizes: Mapping[str, Size], names: list[str], links: list[Link]) -> None:
        self.depths = _depths(names, links)
        self.columns: list[list[_Node]] = [[] for _ in range(1 + max(self.depths.values()))]
        self.nodes: dict[str, _Node] = {}
        self.passing: dict[Link, list[_Node]] = {}
        for name in names:
            width, height = sizes[name]
            port = min(PORT, height / 2)
            self.nodes[name] = self._add(self.depths[name], _Node(port, height - port, width))
        passed = sum(self.depths[target] - self.depths[source] - 1 for source, target in links)
        for source, target in links:
            self._join(source, target, has_room=passed <= MAX_PASSED)
        self._order()
        self._settle()

    def _add(self, depth: int, node: _Node) -> _Node:
        node.index = len(self.columns[depth])
        self.columns[depth].append(node)
        return node

    def _join(self, source: str, target: str, has_room: bool) -> None:
        node = self.nodes[source]
        between = range(self.depths[source] + 1, self.depths[target]) if has_room else ()
        ways = [self._add(depth, _Node(WIRE / 2, WIRE / 2)) for depth in between]
        self.passing[source, target] = ways
        for other in (*ways, self.nodes[target]):
            node.right.append(other)
            other.left.append(node)
            node = other

    # --- Order within the columns -----------------------------------------------------------------

    def _order(self) -> None:
        """The order with the least crossings, beginning with the document's and some others."""
        given, best, least = self._indices(), self._indices(), self._crossings()
        count = len(STRIDES) if len(given) <= MAX_RESTARTED else 1
        for stride in STRIDES[:count]:
            if not least:
                break
            for depth, column in enumerate(self.columns):
                shift = depth * COLUMN_STRIDE if stride > 1 else 0
                mixed = {node: (given[node] * stride + shift) % PRIME for node in column}
                column.sort(key=mixed.__getitem__)
                _number(column)
            order, crossings = self._improved()
            if crossings < least:
                best, least = order, crossings
        for column in self.columns:
            column.sort(key=best.__getitem__)

    def _improved(self) -> tuple[dict[_Node, int], int]:
        """Sort by the median of the neighbours, to and fro, until there is no gain."""
        best, least, stale = self._indices(), self._crossings(), 0
        for sweep in range(SWEEPS):
            if not least or stale == PATIENCE:
                break
            forward = sweep % 2 == 0
            for column in self.columns if forward else reversed(self.columns):
                self._sort(column, forward)
            for column in self.columns if len(self.passing) <= MAX_COMPARED else ():
                _switch(column)
            crossings = self._crossings()
            stale += 1
            if crossings < least:
                best, least, stale = self._indices(), crossings, 0
        return best, least

    def _sort(self, column: list[_Node], forward: bool) -> None:
        for node in column:
            beside = node.left if forward else node.right
            node.line = median(n.index for n in beside) if beside else node.index
        column.sort(key=lambda node: node.line)
        _number(column)

    def _indices(self) -> dict[_Node, int]:
        return {node: node.index for column in self.columns for node in column}

    def _crossings(self) -> int:
        count = 0
        for column in self.columns[:-1]:
            seen: list[int] = []
            for node in column:
                ends = sorted(target.index for target in node.right)
                count += sum(len(seen) - bisect_right(seen, end) for end in ends)
                seen = sorted(seen + ends)
        return count

    # --- Heights ----------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Move each node to the height of its neighbours, as far as those beside it let it."""
        for column in self.columns:
            _align(column, [0.0] * len(column))
        for sides in (("left",), ("right",), ("left",), ("right",), ("left", "right")):
            for column in reversed(self.columns) if sides == ("right",) else self.columns:
                wanted = []
                for node in column:
                    beside = [other.line for side in sides for other in getattr(node, side)]
                    wanted.append(median(beside) if beside else node.line)
                _align(column, wanted)

    def write(
        self, top: float, positions: dict[str, Point], bends: dict[Link, list[Point]]
    ) -> float:
        """Add the positions and bends below `top`; returns where the next component may begin."""
        first = min(node.line - node.above for column in self.columns for node in column)
        widths = [max(node.width for node in column) for column in self.columns]
        lefts = list(accumulate((snapped(width + COLUMN_GAP) for width in widths), initial=0))
        bottom = top
        for name, node in self.nodes.items():
            y = top + GRID * round((node.line - node.above - first) / GRID)
            positions[name] = (lefts[self.depths[name]], y)
            bottom = max(bottom, y + node.above + node.below)
        for link, ways in self.passing.items():
            start = self.depths[link[0]] + 1
            bends[link] = [
                (x, top + node.line - first)
                for depth, node in enumerate(ways, start)
                for x in (lefts[depth], lefts[depth] + widths[depth])
            ]
        return snapped(bottom + 2 * ROW_GAP)


def _number(column: list[_Node]) -> None:
    for index, node in enumerate(column):
        node.index = index


def _switch(column: list[_Node]) -> None:
    """Swap neighbours whose wires cross less in the other order."""
    for index in range(len(column) - 1):
        one, other = column[index], column[index + 1]
        if _crossed(other, one) < _crossed(one, other):
            column[index], column[index + 1] = other, one
            one.index, other.index = index + 1, index


def _crossed(one: _Node, other: _Node) -> int:
    """Crossings of the wires of two neighbours, the first above the second."""
    return sum(
        a.index > b.index
        for ones, others in ((one.left, other.left), (one.right, other.right))
        for a in ones
        for b in others
    )


def _align(column: list[_Node], wanted: list[float]) -> None:
    """Give the nodes the heights that are closest to the wanted ones and keep order and gaps."""
    shifts = [0.0]
    for one, other in pairwise(column):
        gap = ROW_GAP if one.width and other.width else ROW_GAP / 2
        shifts.append(shifts[-1] + one.below + gap + other.above)
    # Neighbours that push each other move together: a total and a count for each such group.
    groups: list[tuple[float, int]] = []
    for height, shift in zip(wanted, shifts, strict=True):
        total, count = height - shift, 1
        while groups and groups[-1][0] * count > total * groups[-1][1]:
            before, number = groups.pop()
            total, count = total + before, count + number
        groups.append((total, count))
    means = [total / count for total, count in groups for _ in range(count)]
    for node, mean, shift in zip(column, means, shifts, strict=True):
        node.line = mean + shift
