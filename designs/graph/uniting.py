"""One document of two, for a picture of both: what went stands beside what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from designs.graph.compare import Comparison, How
from designs.graph.matching import Renames, id_of, matched, matched_connections, parts_of


@dataclass(frozen=True, slots=True)
class United:
    """The newer document with the removed parts, and what happened to blocks and connections."""

    document: dict[str, Any]
    blocks: dict[str, How]
    connections: dict[str, How]


def united(before: object, after: object, comparison: Comparison) -> United:
    """Takes any two JSON values; the comparison is of the same two."""
    old, new = (value if isinstance(value, dict) else {} for value in (before, after))
    blocks = matched(parts_of(old.get("blocks")), parts_of(new.get("blocks")))
    renames = Renames(blocks)
    ends = [renames.applied(part) for part in parts_of(old.get("connections"))]
    wires = matched_connections(ends, parts_of(new.get("connections")))
    # Another connection may have the id of one that went.
    gone = [{**was, "id": f"went:{id_of(was)}"} for was, now in wires if was and now is None]
    document = {
        "name": new.get("name"),
        "blocks": [now or was for was, now in blocks],
        "connections": [*(now for _, now in wires if now is not None), *gone],
    }
    marked: dict[str, How] = {p.id: p.change for p in comparison.changes if p.kind == "block"}
    for part in comparison.changes:
        if part.kind == "agent":
            marked.setdefault(part.block_id, "changed")
    lines: dict[str, How] = {
        f"went:{part.id}" if part.change == "removed" else part.id: part.change
        for part in comparison.changes
        if part.kind == "connection"
    }
    return United(document, marked, lines)
