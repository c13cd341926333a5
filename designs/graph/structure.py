"""Checks how a document's blocks are connected: ids, ends, cycles, and unreachable blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from designs.graph.expressions import Expression, ExpressionError, is_truthy
from designs.graph.report import Report, excerpt
from designs.graph.shape import UNREAD, BlockEntry, Parts
from designs.graph.spec import MAX_CHARACTERS, Connection

# A message names all blocks of a cycle up to this length.
MAX_SPELLED = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """`above` maps each block to the ids of all blocks upstream; None if there is a cycle."""

    blocks: dict[str, BlockEntry]
    edges: list[tuple[str, Connection]]
    above: dict[str, frozenset[str]] | None


def check_structure(parts: Parts, report: Report) -> Layout:
    """Report errors in ids and connections; returns the valid ones."""
    blocks: dict[str, BlockEntry] = {}
    for entry in parts.blocks:
        if entry.block.id != UNREAD:
            blocks.setdefault(entry.block.id, entry)
        _check_unique(((path, agent.id) for path, agent in entry.agents), "agent", report)
    _check_unique(((entry.path, entry.block.id) for entry in parts.blocks), "block", report)
    _check_unique(((path, link.id) for path, link in parts.connections), "connection", report)
    edges = list(_sound_connections(parts, blocks, report))
    order = _check_cycles(blocks, edges, report)
    if order is None:
        return Layout(blocks, edges, above=None)
    arriving: dict[str, list[Connection]] = {name: [] for name in order}
    for _, connection in edges:
        arriving[connection.target].append(connection)
    above: dict[str, frozenset[str]] = {}
    for name in order:
        sources = [connection.source for connection in arriving[name]]
        above[name] = frozenset(sources).union(*(above[source] for source in sources))
    _check_unreachable(blocks, arriving, report)
    return Layout(blocks, edges, above)


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
    seen: dict[tuple[str | None, ...], str] = {}
    for path, connection in parts.connections:
        source = _has_end(path, connection, "source", parts, blocks, report)
        target = _has_end(path, connection, "target", parts, blocks, report)
        if not (source and target):
            continue
        if connection.source == connection.target:
            way = f"{connection.source} -> {connection.target}"
            report.add(path, f"A block cannot follow itself: `{way}`. Remove this connection.")
            continue
        meaning = (
            connection.source, connection.source_agent, connection.target, connection.target_agent,
            connection.route, connection.when,
        )  # fmt: skip
        if (other := seen.setdefault(meaning, path)) != path:
            report.add(path, f"This connection says the same as that at {other}. Remove one.")
        yield path, connection


def _has_end(
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
        # An invalid block has been reported already.
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
    """The ids of the blocks in topological order; None if there is a cycle.

    A depth-first search; each connection that closes a cycle is reported.
    """
    leaving: dict[str, list[tuple[str, str]]] = {name: [] for name in blocks}
    for path, connection in edges:
        leaving[connection.source].append((path, connection.target))
    open_ids: dict[str, None] = {}
    finished: dict[str, None] = {}
    has_cycle = False
    for start in blocks:
        if start in finished:
            continue
        open_ids[start] = None
        stack = [iter(leaving[start])]
        while stack:
            path, target = next(stack[-1], ("", ""))
            if not path:
                stack.pop()
                finished[open_ids.popitem()[0]] = None
            elif target in open_ids:
                has_cycle = True
                names = list(open_ids)
                _report_cycle(path, [*names[names.index(target) :], target], report)
            elif target not in finished:
                open_ids[target] = None
                stack.append(iter(leaving[target]))
    return None if has_cycle else list(reversed(finished))


def _report_cycle(path: str, cycle: list[str], report: Report) -> None:
    if len(cycle) > MAX_SPELLED:
        left_out = f"({len(cycle) - MAX_SPELLED + 1} more)"
        cycle = [*cycle[: MAX_SPELLED - 2], left_out, cycle[-1]]
    report.add(
        path,
        f"The blocks go in a circle: `{' -> '.join(cycle)}`. Remove one of its connections.",
    )


# --- Unreachable blocks ---------------------------------------------------------------------------


def _check_unreachable(
    blocks: dict[str, BlockEntry], arriving: dict[str, list[Connection]], report: Report
) -> None:
    """`arriving` has the connections to each block, in topological order."""
    conditions = [way.when or "" for ways in arriving.values() for way in ways]
    if sum(map(len, conditions)) > MAX_CHARACTERS:
        return
    dead: set[str] = set()
    for name, ways in arriving.items():
        live = [way for way in ways if way.source not in dead]
        if not ways or any(map(_may_hold, live)):
            continue
        dead.add(name)
        if live:
            report.add(
                blocks[name].path,
                f"Block `{name}` can never run: no connection to it can be taken. "
                "Correct the conditions (`when`), or remove the block.",
            )


def _may_hold(connection: Connection) -> bool:
    """False if the condition is false in every run."""
    if connection.when is None:
        return True
    try:
        condition = Expression.compile(connection.when)
        return not condition.reads.nothing or is_truthy(condition.constant())
    except ExpressionError:
        return True
