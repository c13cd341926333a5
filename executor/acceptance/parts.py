"""Tries of one block alone: what its blocks upstream gave, typed or taken from an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executor.engine.part import (
    CompiledBlock,
    CompiledGraph,
    find_block,
    is_reached,
    outputs_read,
    part_of,
    reads_run_input,
)
from executor.errors import PartInvalid
from executor.history.outputs import Agents, delivered, outputs_of
from executor.models import Execution

NAMED_AT_MOST = 20


@dataclass(frozen=True)
class PartWanted:
    """A block to run alone. `typed` are outputs by block, or by `block/agent` for one agent's; they
    win over those of `run`. `stored` are those of an execution that had them before.
    """

    only: str
    typed: Mapping[str, Any] = field(default_factory=dict)
    run: Execution | None = None
    stored: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A block to run alone, as executions store it (`Execution.part`, `given_outputs`)."""

    only: str
    label: str
    given: dict[str, Any]
    reads_input: bool


def wanted_again(execution: Execution) -> PartWanted | None:
    """The same part as that of the execution; None if it ran the whole design."""
    if execution.only_block is None:
        return None
    return PartWanted(execution.only_block, stored=execution.given_outputs or {})


def part_for(wanted: PartWanted, compiled: CompiledGraph) -> Part:
    """The part of this graph. Raises PartInvalid for an unknown block, and if the block reads
    outputs that nobody gave.
    """
    try:
        block = find_block(compiled, wanted.only)
    except KeyError:
        sentence = f"There is no block '{wanted.only}' in this design. Name one of its blocks."
        raise PartInvalid({"only": [sentence]}) from None
    _check_names(wanted.typed, compiled)
    agents = agents_of(compiled)
    upstream = {name: agents[name] for name in block.ancestors}
    given = dict(wanted.stored) if wanted.run is None else outputs_of(wanted.run, upstream)
    # Blocks come before their agents.
    for name in sorted(wanted.typed):
        block_id, _, agent_id = name.partition("/")
        if block_id in upstream:
            entry = given.get(block_id)
            given[block_id] = _with(entry, upstream[block_id], agent_id, wanted.typed[name])
    given = {name: entry for name, entry in given.items() if name in upstream}
    _check_given(block, given, upstream)
    return Part(block.id, block.name, given, reads_run_input(block))


def partial_graph(compiled: CompiledGraph, execution: Execution) -> CompiledGraph:
    """What the execution runs of its graph: all of it, or the one block with what it is given."""
    only = execution.only_block
    if only is None:
        return compiled
    return part_of(compiled, only, delivered(execution.given_outputs or {}, agents_of(compiled)))


def agents_of(compiled: CompiledGraph) -> dict[str, list[str]]:
    return {block.id: [agent.id for agent in block.block.agents] for block in compiled.blocks}


def _with(entry: Any, agents: Sequence[str], agent_id: str, value: Any) -> dict[str, Any]:
    """The entry with a typed output. That of a block is its agents', too, but for those that have
    one of their own.
    """
    if not agent_id:
        return {"output": value}
    entry = dict(entry or {})
    by_agent = entry.get("by_agent")
    if by_agent is None and "output" in entry:
        by_agent = dict.fromkeys(agents, entry["output"])
    lost = [name for name in entry.pop("lost", ()) if name != agent_id]
    by_agent = {**(by_agent or {}), agent_id: value}
    return {**entry, "by_agent": by_agent, **({"lost": lost} if lost else {})}


def _check_names(typed: Mapping[str, Any], compiled: CompiledGraph) -> None:
    names = {block.id for block in compiled.blocks}
    names |= {f"{b.id}/{agent.id}" for b in compiled.blocks for agent in b.block.agents}
    if unknown := [name for name in typed if name not in names]:
        sentence = f"This design has no {_names(unknown)}. Write `block` or `block/agent`."
        raise PartInvalid({"given": [sentence]})


def _check_given(block: CompiledBlock, given: Mapping[str, Any], upstream: Agents) -> None:
    read = outputs_read(block)
    lost = [_name(*output) for output in read if _is_lost(*output, given)]
    if lost:
        sentence = (
            f"'{block.name}' reads the output of {_names(lost)}, which retention has removed from "
            "the runs that this one resumed. Type it, or take another run."
        )
        raise PartInvalid({"given": [sentence]})
    missing = [_name(*output) for output in read if not _is_known(*output, given)]
    if not missing and not is_reached(block, delivered(given, upstream)):
        # A run would skip it.
        missing = [_name(*output) for output in read]
    if missing:
        sentence = (
            f"'{block.name}' reads the output of {_names(missing)}, which was not given. "
            "Type it, or take it from a run in which it was delivered."
        )
        raise PartInvalid({"given": [sentence]})


def _is_known(name: str, agent_id: str | None, given: Mapping[str, Any]) -> bool:
    """Whether it is known what was delivered, if only that it was nothing."""
    if name not in given:
        return False
    entry = given[name]
    return entry is None or "output" in entry or agent_id in entry["by_agent"]


def _is_lost(name: str, agent_id: str | None, given: Mapping[str, Any]) -> bool:
    return agent_id is not None and agent_id in ((given.get(name) or {}).get("lost") or ())


def _name(block_id: str, agent_id: str | None) -> str:
    return block_id if agent_id is None else f"{block_id}/{agent_id}"


def _names(names: Sequence[str]) -> str:
    """The names in quotes, cut where there are too many, or too long, to be read."""
    shown = [f"'{name[:140]}'" for name in names[:NAMED_AT_MOST]]
    return ", ".join(shown) + (" and others" if len(names) > NAMED_AT_MOST else "")
