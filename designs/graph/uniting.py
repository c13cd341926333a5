"""One document of two, for a picture of both: what went stands beside what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from designs.graph.compare import Comparison, How
from designs.graph.matching import id_of


@dataclass(frozen=True, slots=True)
class United:
    """The newer document with the removed parts, and what happened to blocks and connections."""

    document: dict[str, Any]
    blocks: dict[str, How]
    connections: dict[str, How]


def united(after: object, comparison: Comparison) -> United:
    """`after` is the newer of the two JSON values that were compared."""
    new = after if isinstance(after, dict) else {}
    blocks, wires = comparison.matches.blocks, comparison.matches.connections
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
