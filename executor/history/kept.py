"""Which finished steps a run takes over from the runs that it goes on from.

`Execution.edited` says where a run goes on from a chosen block: `block` is that block, and `given`
has by block what it gets instead of what its sources delivered, also of the runs before. With
`only` it plays again what failed.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Protocol

from designs.graph.nesting import root_block
from executor.history.lost import lost_blocks, stale_steps
from executor.models import Execution

MAX_RESUMED = 100


def journal_of(execution: Execution) -> list[tuple[uuid.UUID, frozenset[str]]]:
    """The runs that this one goes on from, the latest first, each with the blocks whose steps there
    are not taken over.
    """
    found: list[tuple[uuid.UUID, frozenset[str]]] = []
    stale: frozenset[str] = frozenset()
    pk, edited = execution.resumed_from_id, execution.edited
    while pk is not None and len(found) < MAX_RESUMED:
        if edited and edited.get("block"):
            stale |= downstream(document_of(execution), edited["block"])
        if edited and edited.get("only"):
            stale |= after_lost(pk, document_of(execution))
        found.append((pk, stale))
        rows = Execution.objects.filter(pk=pk).values_list("resumed_from", "edited")
        pk, edited = rows.first() or (None, None)
    return found


def after_lost(pk: uuid.UUID, document: Mapping[str, Any]) -> frozenset[str]:
    """The blocks that got something from one in which something failed."""
    return frozenset(
        name for lost in lost_blocks(pk) for name in downstream(document, lost) if name != lost
    )


class IsStale(Protocol):
    def __call__(self, blocks: frozenset[str], block_id: str, key: str) -> bool: ...


def stale_in(execution: Execution) -> IsStale:
    """Whether a step of that block and key, in a run whose stale `blocks` `journal_of` names, is
    not taken over: it runs again.
    """
    keys: frozenset[str] = frozenset()
    if execution.resumed_from_id is not None and (execution.edited or {}).get("only"):
        # Finished steps that a run of only what failed does not take over either.
        keys = stale_steps(execution.resumed_from_id, document_of(execution))

    def is_stale(blocks: frozenset[str], block_id: str, key: str) -> bool:
        return key in keys or root_block(block_id) in blocks

    return is_stale


def edited_for(execution: Execution, block_id: str) -> Mapping[str, Any]:
    """By source what the block got instead of what the source delivered."""
    given = (execution.edited or {}).get("given") or {}
    return given.get(block_id) or {}


def downstream(document: Mapping[str, Any], block_id: str) -> frozenset[str]:
    """The block and all that its output can reach."""
    targets: dict[str, list[str]] = defaultdict(list)
    for connection in document.get("connections") or ():
        targets[connection["source"]].append(connection["target"])
    found, waiting = {block_id}, [block_id]
    while waiting:
        new = [name for name in targets[waiting.pop()] if name not in found]
        found.update(new)
        waiting += new
    return frozenset(found)


def document_of(execution: Execution) -> Mapping[str, Any]:
    document = execution.document or (execution.version and execution.version.document)
    return document if isinstance(document, dict) else {}
