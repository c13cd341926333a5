"""How a document's blocks hang together: ids, connections' ends, cycles, and what can never run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from designs.graph.expressions import Expression, ExpressionError, is_truthy
from designs.graph.report import Report, excerpt
from designs.graph.shape import UNREAD, BlockEntry, Parts
from designs.graph.spec import MAX_CHARACTERS, Connection

# A cycle of more blocks than this is spelled out in part.
SPELLED = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """`above` has for each block the ids of all upstream of it; None where there is a cycle."""

    blocks: dict[str, BlockEntry]
    edges: list[tuple[str, Connection]]
    above: dict[str, frozenset[str]] | None


def check_structure(parts: Parts, report: Report) -> Layout:
    """Report what is wrong with ids and connections; gives what is right of them."""
    blocks = _unique_blocks(parts, report)
    edges = list(_sound_connections(parts, blocks, report))
    order = _check_cycles(blocks, edges, report)
    above = None if order is None else _ancestors(order, edges)
    layout = Layout(blocks, edges, above)
    if order is not None:
        _check_unreachable(order, layout, report)
    return layout


def _unique_blocks(parts: Parts, report: Report) -> dict[str, BlockEntry]:
    blocks: dict[str, BlockEntry] = {}
    for entry in parts.blocks:
        if entry.block.id != UNREAD:
            blocks.setdefault(entry.block.id, entry)
        _check_unique(((path, agent.id) for path, agent in entry.agents), "agent", report)
    _check_unique(((entry.path, entry.block.id) for entry in parts.blocks), "block", report)
    _check_unique(((path, way.id) for path, way in parts.connections), "connection", report)
    return blocks


def _check_unique(named: Iterable[tuple[str, str]], noun: str, report: Report) -> None:
    seen: dict[str, str] = {}
    for path, name in named:
        first = seen.setdefault(name, path)
        if first != path and name != UNREAD:
            report.add(
                f"{path}/id",
                f"Another {noun} has the id `{name}` already ({first}). "
                "Give this one an id of its own.",
            )


# --- Connections ----------------------------------------------------------------------------------


def _sound_connections(
    parts: Parts, blocks: dict[str, BlockEntry], report: Report
) -> Iterator[tuple[str, Connection]]:
    """Connections whose ends both exist; the others are reported."""
    seen: dict[tuple[str | None, ...], str] = {}
    for path, connection in parts.connections:
        found = [
            _check_end(path, connection, end, parts, blocks, report) for end in ("source", "target")
        ]
        if not all(found):
            continue
        if connection.source == connection.target:
            way = f"{connection.source} -> {connection.target}"
            report.add(path, f"A block cannot follow itself: `{way}`. Remove this connection.")
            continue
        ends = (
            connection.source,
            connection.target,
            connection.source_agent,
            connection.target_agent,
        )
        what = (*ends, connection.route, connection.when)
        if (other := seen.setdefault(what, path)) != path:
            report.add(path, f"This connection says the same as that at {other}. Remove one.")
        yield path, connection


def _check_end(
    path: str,
    connection: Connection,
    end: str,
    parts: Parts,
    blocks: dict[str, BlockEntry],
    report: Report,
) -> bool:
    block_id: str = getattr(connection, end)
    agent_id: str | None = getattr(connection, f"{end}_agent")
    entry = blocks.get(block_id)
    if entry is None:
        # A block that stands there but cannot be read has been reported already.
        if block_id not in parts.ids:
            report.add(
                f"{path}/{end}",
                f"There is no block `{excerpt(block_id)}`.{report.nearest(block_id, blocks)}",
            )
        return False
    names = [agent.id for _, agent in entry.agents]
    if agent_id is not None and entry.whole and agent_id not in names:
        report.add(
            f"{path}/{end}_agent",
            f"Block `{block_id}` has no agent `{excerpt(agent_id)}`."
            f"{report.nearest(agent_id, names)}",
        )
    return True


# --- Cycles ---------------------------------------------------------------------------------------


def _check_cycles(
    blocks: dict[str, BlockEntry], edges: list[tuple[str, Connection]], report: Report
) -> list[str] | None:
    """The blocks' ids, sources first; None if there is a cycle, with each way back reported."""
    leaving: dict[str, list[tuple[str, str]]] = {name: [] for name in blocks}
    for path, connection in edges:
        leaving[connection.source].append((path, connection.target))
    open_ids: dict[str, None] = {}
    finished: dict[str, None] = {}
    before = len(report)
    sound = True
    for start in blocks:
        for path, cycle in _walk(start, leaving, open_ids, finished):
            sound = False
            report.add(
                path,
                f"The blocks go in a circle: `{_spelled(cycle)}`. Remove one of its connections.",
            )
    return list(reversed(finished)) if sound and len(report) == before else None


def _walk(
    start: str,
    leaving: dict[str, list[tuple[str, str]]],
    open_ids: dict[str, None],
    finished: dict[str, None],
) -> Iterator[tuple[str, list[str]]]:
    """Go down from a block, depth first; gives each connection that leads back, with its circle."""
    if start in finished:
        return
    open_ids[start] = None
    ways = [iter(leaving[start])]
    while ways:
        path, target = next(ways[-1], ("", ""))
        if not path:
            ways.pop()
            finished[open_ids.popitem()[0]] = None
        elif target in open_ids:
            way = list(open_ids)
            yield path, [*way[way.index(target) :], target]
        elif target not in finished:
            open_ids[target] = None
            ways.append(iter(leaving[target]))


def _spelled(cycle: list[str]) -> str:
    if len(cycle) > SPELLED:
        cycle = [*cycle[: SPELLED - 2], f"({len(cycle) - SPELLED + 1} more)", cycle[-1]]
    return " -> ".join(cycle)


def _ancestors(order: list[str], edges: list[tuple[str, Connection]]) -> dict[str, frozenset[str]]:
    sources: dict[str, list[str]] = {name: [] for name in order}
    for _, connection in edges:
        sources[connection.target].append(connection.source)
    above: dict[str, frozenset[str]] = {}
    for name in order:
        above[name] = frozenset(sources[name]).union(*(above[source] for source in sources[name]))
    return above


# --- What can never run ---------------------------------------------------------------------------


def _check_unreachable(order: list[str], layout: Layout, report: Report) -> None:
    if sum(len(way.when or "") for _, way in layout.edges) > MAX_CHARACTERS:
        return
    arriving: dict[str, list[Connection]] = {name: [] for name in order}
    for _, connection in layout.edges:
        arriving[connection.target].append(connection)
    dead: set[str] = set()
    for name in order:
        ways = arriving[name]
        if not ways or any(way.source not in dead and _may_hold(way) for way in ways):
            continue
        dead.add(name)
        if any(way.source not in dead for way in ways):
            report.add(
                layout.blocks[name].path,
                f"Block `{name}` can never run: no connection to it can be taken. "
                "Correct the conditions (`when`), or remove the block.",
            )


def _may_hold(connection: Connection) -> bool:
    """False for a condition that is not true in any run."""
    if connection.when is None:
        return True
    try:
        condition = Expression.compile(connection.when)
        return not condition.reads.nothing or is_truthy(condition.constant())
    except ExpressionError:
        return True
