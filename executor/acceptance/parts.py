"""Tries of one block alone: what its blocks upstream gave, typed or taken from an earlier run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from designs.access import Caller
from designs.models import Design
from designs.patterns.base import BlockOutput
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
from executor.models import (
    BlockResult,
    BlockStatus,
    Execution,
    Step,
    StepStatus,
    parse_execution_id,
)

PAYLOAD = "executor.view_payload"
NO_RUN = "There is no such run of this design that you may see. Give the id of one of its runs."
GONE = "Retention has removed what this run's blocks gave. Take another run, or type the outputs."
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


def run_to_take_from(design: Design, name: str, caller: Caller) -> Execution:
    """The run of this design whose outputs are taken. Raises RightMissing, PartInvalid."""
    caller.require(PAYLOAD)
    pk = parse_execution_id(name)
    run = None
    if pk is not None:
        run = Execution.objects.for_caller(caller).filter(pk=pk, design=design).first()
    if run is None:
        raise PartInvalid({"from_execution": [NO_RUN]})
    if run.payload_removed_at is not None:
        raise PartInvalid({"from_execution": [GONE]})
    return run


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
    upstream = {other.id: other for other in compiled.blocks if other.id in block.ancestors}
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
    blocks = {block.id: block for block in compiled.blocks}
    return part_of(compiled, only, _block_outputs(execution.given_outputs or {}, blocks))


def shown_outputs(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Given outputs as they are typed: by block, and by `block/agent`."""
    if given is None:
        return None
    shown: dict[str, Any] = {}
    for name, entry in given.items():
        if "output" in (entry or {}):
            shown[name] = entry["output"]
        for agent, value in ((entry or {}).get("by_agent") or {}).items():
            shown[f"{name}/{agent}"] = value
    return shown


def outputs_of(run: Execution, blocks: Mapping[str, CompiledBlock]) -> dict[str, Any]:
    """What these blocks delivered in the run, as `given_outputs` has it. Blocks that did not end
    there are left out; what the run itself was given counts.

    An agent's output is its last answer, and the block's in a block of one agent.
    """
    rows = BlockResult.objects.filter(execution=run, block_id__in=list(blocks))
    given: dict[str, Any] = dict(run.given_outputs or {})
    for row in rows:
        if row.status == BlockStatus.COMPLETED or row.output is not None:
            given[row.block_id] = {"output": row.output}
        elif row.completed_at is not None:
            given[row.block_id] = None
    several = [
        row.block_id
        for row in rows
        if row.status == BlockStatus.COMPLETED and len(blocks[row.block_id].block.agents) > 1
    ]
    if several:
        # Replayed steps are those of the runs that it resumed.
        runs = [run.pk]
        while run.resumed_from is not None:
            run = run.resumed_from
            runs.append(run.pk)
        steps = Step.objects.filter(execution__in=runs, status=StepStatus.COMPLETED)
        steps = steps.filter(block_id__in=several)
        for block_id, agent_id, text in steps.exclude(agent_id="").values_list(
            "block_id", "agent_id", "text"
        ):
            given[block_id].setdefault("by_agent", {})[agent_id] = text
    return given


def _block_outputs(
    given: Mapping[str, Any], blocks: Mapping[str, CompiledBlock]
) -> dict[str, BlockOutput]:
    known = {name: entry for name, entry in given.items() if entry is not None}
    return {name: _block_output(blocks[name], entry) for name, entry in known.items()}


def _block_output(block: CompiledBlock, entry: Mapping[str, Any]) -> BlockOutput:
    """Without outputs of agents, each agent has the block's, as with a default value."""
    value, by_agent = entry.get("output"), entry.get("by_agent")
    if by_agent is None:
        by_agent = {agent.id: value for agent in block.block.agents}
    return BlockOutput(value, by_agent)


def _with(entry: Any, block: CompiledBlock, agent_id: str, value: Any) -> dict[str, Any]:
    """The entry with a typed output. That of a block is its agents', too, but for those that have
    one of their own.
    """
    if not agent_id:
        return {"output": value}
    entry = dict(entry or {})
    by_agent = entry.get("by_agent")
    if by_agent is None and "output" in entry:
        by_agent = {agent.id: entry["output"] for agent in block.block.agents}
    return {**entry, "by_agent": {**(by_agent or {}), agent_id: value}}


def _check_names(typed: Mapping[str, Any], compiled: CompiledGraph) -> None:
    names = {block.id for block in compiled.blocks}
    names |= {f"{b.id}/{agent.id}" for b in compiled.blocks for agent in b.block.agents}
    if unknown := [name for name in typed if name not in names]:
        sentence = f"This design has no {_names(unknown)}. Write `block` or `block/agent`."
        raise PartInvalid({"given": [sentence]})


def _check_given(
    block: CompiledBlock, given: Mapping[str, Any], upstream: Mapping[str, CompiledBlock]
) -> None:
    read = outputs_read(block)
    missing = [_name(*output) for output in read if not _is_known(*output, given)]
    if not missing and not is_reached(block, _block_outputs(given, upstream)):
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


def _name(block_id: str, agent_id: str | None) -> str:
    return block_id if agent_id is None else f"{block_id}/{agent_id}"


def _names(names: Sequence[str]) -> str:
    """The names in quotes, cut where there are too many, or too long, to be read."""
    shown = [f"'{name[:140]}'" for name in names[:NAMED_AT_MOST]]
    return ", ".join(shown) + (" and others" if len(names) > NAMED_AT_MOST else "")
