"""Takes one part of another document into a document."""

from __future__ import annotations

from typing import Any

from designs.graph.matching import Matches, Pair, Part, id_of

_ENDS = ("source", "target")


def with_part(
    document: Part, source: object, kind: str, part_id: str, block_id: str = ""
) -> Part | None:
    """A copy of the document in which this part is as in `source`; None if neither has it.

    The part is named as in `compare`: a block with its agents, an agent of the block `block_id`, a
    connection, or a field of the design. A block keeps its id and its position; one that comes back
    brings its connections, one that goes takes them along.
    """
    other = source if isinstance(source, dict) else {}
    if kind == "design":
        return _with_field(document, other, part_id)
    if not all(isinstance(document.get(key, []), list) for key in ("blocks", "connections")):
        return None
    matches = Matches(other, document)
    if kind == "block":
        return _with_block(document, matches, part_id)
    if kind == "agent":
        return _with_agent(document, matches, block_id, part_id)
    if kind == "connection":
        return _with_connection(document, matches, part_id)
    return None


def _with_field(document: Part, other: Part, key: str) -> Part | None:
    if key in ("blocks", "connections") or (key not in document and key not in other):
        return None
    if key in other:
        return {**document, key: other[key]}
    return {name: value for name, value in document.items() if name != key}


def _pair(pairs: list[Pair], part_id: str) -> Pair | None:
    """The one with that id: the document's own, or else that of a part that it has no longer."""
    for was, now in pairs:
        if id_of(now or was or {}) == part_id:
            return was, now
    return None


def _with_block(document: Part, matches: Matches, part_id: str) -> Part | None:
    pair = _pair(matches.blocks, part_id)
    if pair is None:
        return None
    was, now = pair
    blocks: list[Any] = list(document.get("blocks", ()))
    wires: list[Any] = list(document.get("connections", ()))
    if was is not None and now is not None:
        back = {key: value for key, value in was.items() if key != "position"}
        back |= {key: now[key] for key in ("id", "position") if key in now}
        blocks = [back if block is now else block for block in blocks]
    elif was is not None:
        blocks.append(was)
        wires += _connections_of(part_id, matches.ends, blocks, wires)
    else:
        blocks = [block for block in blocks if block is not now]
        wires = [wire for wire in wires if not (isinstance(wire, dict) and _leads(wire, part_id))]
    return {**document, "blocks": blocks, "connections": wires}


def _with_agent(document: Part, matches: Matches, block_id: str, part_id: str) -> Part | None:
    for (old, block), (_, pairs) in zip(matches.blocks, matches.agents, strict=True):
        if old is not None and block is not None and id_of(block) == block_id:
            pair = _pair(pairs, part_id)
            return None if pair is None else _with_agent_of(document, block, *pair)
    return None


def _with_agent_of(document: Part, block: Part, was: Part | None, now: Part | None) -> Part:
    agents: list[Any] = list(block.get("agents") or ())
    if was is None:
        agents = [agent for agent in agents if agent is not now]
    elif now is None:
        agents.append(was)
    else:
        agents = [{**was, "id": id_of(now)} if agent is now else agent for agent in agents]
    blocks = [{**block, "agents": agents} if one is block else one for one in document["blocks"]]
    return {**document, "blocks": blocks}


def _connections_of(
    block_id: str, ends: list[Part], blocks: list[Any], wires: list[Any]
) -> list[Part]:
    """Those of the other document that lead from or to the block and whose both ends are there."""
    names = {id_of(block) for block in blocks if isinstance(block, dict)}
    taken = {id_of(wire) for wire in wires if isinstance(wire, dict)}
    back = []
    for wire in ends:
        if _leads(wire, block_id) and all(_end(wire, end) in names for end in _ENDS):
            back.append(_with_free_id(wire, taken))
            taken.add(id_of(back[-1]))
    return back


def _with_connection(document: Part, matches: Matches, part_id: str) -> Part | None:
    wires: list[Any] = list(document.get("connections", ()))
    pair = _pair(matches.connections, part_id)
    if pair is None:
        return None
    was, now = pair
    if was is None:
        wires = [wire for wire in wires if wire is not now]
    elif now is None:
        taken = {id_of(wire) for wire in wires if isinstance(wire, dict)}
        wires.append(_with_free_id(was, taken))
    else:
        wires = [{**was, "id": id_of(now)} if wire is now else wire for wire in wires]
    return {**document, "connections": wires}


def _leads(wire: Part, block_id: str) -> bool:
    return block_id in (_end(wire, "source"), _end(wire, "target"))


def _end(wire: Part, end: str) -> str:
    name = wire.get(end)
    return name if isinstance(name, str) else ""


def _with_free_id(wire: Part, taken: set[str]) -> Part:
    base = id_of(wire) or "c"
    names = (f"{base[:58]}_{number}" for number in range(2, len(taken) + 3))
    return {**wire, "id": next(name for name in (base, *names) if name not in taken)}
