"""Checks how a document's blocks are connected: ids, ends, cycles, and unreachable blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from designs.graph.expressions import Expression, ExpressionError, is_truthy
from designs.graph.fixes import (
    fix,
    free_id,
    remove_connection,
    remove_value,
    replace_value,
)
from designs.graph.report import Report, did_you_mean, excerpt
from designs.graph.shape import UNREAD, BlockEntry, Parts
from designs.graph.spec import MAX_CHARACTERS, Connection

Meaning = tuple[str | None, ...]

# A message names all blocks of a cycle up to this length.
MAX_SPELLED = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """`above` maps each block to the ids of all blocks upstream; None if there is a cycle.

    `meanings` are those of all edges, see `meaning_of`.
    """

    blocks: dict[str, BlockEntry]
    edges: list[tuple[str, Connection]]
    above: dict[str, frozenset[str]] | None
    meanings: frozenset[Meaning]


def check_structure(parts: Parts, report: Report) -> Layout:
    """Report errors in ids and connections; returns the valid ones."""
    blocks: dict[str, BlockEntry] = {}
    for entry in parts.blocks:
        if entry.block.id != UNREAD:
            blocks.setdefault(entry.block.id, entry)
        _check_unique([(path, agent.id) for path, agent in entry.agents], "agent", report)
    ends = {end for _, link in parts.connections for end in (link.source, link.target)}
    named = [(entry.path, entry.block.id) for entry in parts.blocks]
    _check_unique(named, "block", report, kept=ends)
    _check_unique([(path, link.id) for path, link in parts.connections], "connection", report)
    lost: list[_LostEnd] = []
    edges = list(_sound_connections(parts, blocks, report, lost))
    meanings = frozenset(meaning_of(connection) for _, connection in edges)
    order = _check_cycles(blocks, edges, report)
    if order is None:
        return Layout(blocks, edges, None, meanings)
    arriving: dict[str, list[Connection]] = {name: [] for name in order}
    for _, connection in edges:
        arriving[connection.target].append(connection)
    above: dict[str, frozenset[str]] = {}
    for name in order:
        sources = [connection.source for connection in arriving[name]]
        above[name] = frozenset(sources).union(*(above[source] for source in sources))
    _check_unreachable(blocks, arriving, report)
    layout = Layout(blocks, edges, above, meanings)
    for end in lost:
        _mend_end(end, layout, report)
    return layout


def _check_unique(
    named: Sequence[tuple[str, str]],
    noun: str,
    report: Report,
    kept: Collection[str] = (),
) -> None:
    """`kept` are ids by which others refer to one of them, nobody knows to which."""
    seen: dict[str, str] = {}
    names = {name for _, name in named}
    for path, name in named:
        first = seen.setdefault(name, path)
        if first != path and name != UNREAD:
            new = free_id(name, names)
            mended = fix(f"Rename it to `{new}`", replace_value(f"{path}/id", new))
            report.add(
                f"{path}/id",
                f"Another {noun} has the id `{name}` already ({first}). "
                "Give this one an id of its own.",
                None if name in kept else mended,
            )


# --- Connections ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _LostEnd:
    """A problem with an end of a connection, and the connection as it was probably meant."""

    path: str
    place: str
    message: str
    meant: Connection
    value: str


def meaning_of(connection: Connection) -> Meaning:
    """Equal for connections of which one is too many."""
    return (
        connection.source, connection.source_agent, connection.target, connection.target_agent,
        connection.route, connection.when,
    )  # fmt: skip


def _sound_connections(
    parts: Parts, blocks: dict[str, BlockEntry], report: Report, lost: list[_LostEnd]
) -> Iterator[tuple[str, Connection]]:
    seen: dict[Meaning, str] = {}
    for path, connection in parts.connections:
        source = _has_end(path, connection, "source", parts, blocks, report, lost)
        target = _has_end(path, connection, "target", parts, blocks, report, lost)
        if not (source and target):
            continue
        if connection.source == connection.target:
            way = f"{connection.source} -> {connection.target}"
            sentence = f"A block cannot follow itself: `{way}`. Remove this connection."
            report.add(path, sentence, remove_connection(path))
            continue
        if (other := seen.setdefault(meaning_of(connection), path)) != path:
            sentence = f"This connection says the same as that at {other}. Remove one."
            report.add(path, sentence, remove_connection(path))
        yield path, connection


def _has_end(
    path: str,
    connection: Connection,
    end: str,
    parts: Parts,
    blocks: dict[str, BlockEntry],
    report: Report,
    lost: list[_LostEnd],
) -> bool:
    block_id: str = getattr(connection, end)
    agent_id: str | None = getattr(connection, f"{end}_agent")
    entry = blocks.get(block_id)
    if entry is None:
        # An invalid block has been reported already.
        if block_id not in parts.ids:
            near = report.nearest(block_id, blocks)
            sentence = f"There is no block `{excerpt(block_id)}`.{did_you_mean(near)}"
            report.add(f"{path}/{end}", sentence, remove_connection(path))
            if near:
                meant = connection.model_copy(update={end: near})
                lost.append(_LostEnd(path, f"{path}/{end}", sentence, meant, near))
        return False
    names = [agent.id for _, agent in entry.agents]
    if agent_id is not None and entry.whole and agent_id not in names:
        near, place = report.nearest(agent_id, names), f"{path}/{end}_agent"
        sentence = f"Block `{block_id}` has no agent `{excerpt(agent_id)}`.{did_you_mean(near)}"
        report.add(place, sentence)
        meant = connection.model_copy(update={f"{end}_agent": near or None})
        lost.append(_LostEnd(path, place, sentence, meant, near))
    return True


def _mend_end(end: _LostEnd, layout: Layout, report: Report) -> None:
    """Mend an end if the connection is then a sound one, like no other."""
    if end.meant.source not in layout.blocks or end.meant.target not in layout.blocks:
        return
    if not _is_new(end.meant, layout) or meaning_of(end.meant) in layout.meanings:
        return
    if end.value:
        mended = fix(f"Use `{end.value}`", replace_value(end.place, end.value))
    else:
        mended = fix("Connect the whole block", remove_value(end.place))
    report.mend(end.place, end.message, mended)


def _is_new(meant: Connection, layout: Layout) -> bool:
    """Whether its agents exist, and it closes no circle."""
    for block_id, agent_id in (
        (meant.source, meant.source_agent),
        (meant.target, meant.target_agent),
    ):
        names = [agent.id for _, agent in layout.blocks[block_id].agents]
        if agent_id is not None and agent_id not in names:
            return False
    above = layout.above or {}
    return meant.source != meant.target and meant.target not in above.get(meant.source, ())


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
