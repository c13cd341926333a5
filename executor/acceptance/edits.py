"""Going on from a chosen block of a run, with other outputs of its sources: what may be edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from designs.secrets.masking import masked_value
from executor.engine.part import CompiledGraph, edited_graph
from executor.errors import PartInvalid
from executor.history.kept import document_of
from executor.models import Execution


@dataclass(frozen=True)
class Edit:
    """From this block on, which gets these outputs, by source, instead of what was delivered."""

    block: str
    given: Mapping[str, Any]


def edits_of(
    execution: Execution, edit: Edit | None, only: str | None = None
) -> dict[str, Any] | None:
    """What a run that goes on from the execution stores as `edited`: earlier edits stay.

    Raises PartInvalid for a block that the execution did not come to, and for unknown sources.
    """
    earlier = (execution.edited or {}).get("given") or {}
    if only is not None:
        return {"block": None, "given": earlier, "only": only}
    if edit is None:
        return {"block": None, "given": earlier} if earlier else None
    if execution.only_block is not None:
        raise PartInvalid({"block": ["This run ran one block alone; try the block again instead."]})
    begun = execution.blocks.filter(block_id=edit.block).exclude(started_at=None)
    if not begun.exists():
        sentence = f"This run did not come to a block '{edit.block[:140]}'. Choose one that began."
        raise PartInvalid({"block": [sentence]})
    sources = sources_of(document_of(execution), edit.block)
    if unknown := [name for name in edit.given if name not in sources]:
        named = ", ".join(f"'{name[:140]}'" for name in unknown[:20])
        sentence = f"{named} does not lead to this block. Name blocks that are connected to it."
        raise PartInvalid({"given": [sentence]})
    given = {**earlier, edit.block: {**earlier.get(edit.block, {}), **masked_value(edit.given)}}
    return {"block": edit.block, "given": {name: by for name, by in given.items() if by}}


def sources_of(document: Mapping[str, Any], block_id: str) -> list[str]:
    """The ids of the blocks that are connected to the block."""
    connections = document.get("connections") or ()
    found = (c["source"] for c in connections if c["target"] == block_id)
    return list(dict.fromkeys(found))


def with_edits(compiled: CompiledGraph, execution: Execution) -> CompiledGraph:
    given = (execution.edited or {}).get("given")
    return edited_graph(compiled, given) if given else compiled
