"""What the blocks of a past run delivered, to be read again: by a part of its design, by an editor.

By block id: `output`, and `by_agent` where its agents' outputs are others, but for those that are
`lost`; None for a block that delivered nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from designs.access import Caller
from designs.models import Design
from designs.patterns.base import BlockOutput
from executor.errors import RunUnknown
from executor.history.kept import journal_of
from executor.history.quotes import PAYLOAD
from executor.models import (
    BlockResult,
    BlockStatus,
    Execution,
    Step,
    StepStatus,
    parse_execution_id,
)

# The purpose of the steps in which debaters vote.
BALLOT = "vote"
# Stands for an answer that retention has removed.
REMOVED = object()
# The ids of the agents of each block.
Agents = Mapping[str, Sequence[str]]

NO_RUN = "There is no such run of this design that you may see. Give the id of one of its runs."
GONE = "Retention has removed what the blocks of this run delivered. Take another run."


def run_to_read(*, design: Design, name: str, caller: Caller, field: str) -> Execution:
    """The run of this design by its id or name. Raises RightMissing, RunUnknown."""
    caller.require(PAYLOAD)
    pk = parse_execution_id(name)
    run = None
    if pk is not None:
        run = Execution.objects.for_caller(caller).filter(pk=pk, design=design).first()
    if run is None:
        raise RunUnknown(NO_RUN, field)
    if run.payload_removed_at is not None:
        raise RunUnknown(GONE, field)
    return run


def outputs_of(run: Execution, agents: Agents) -> dict[str, Any]:
    """What these blocks delivered. Those that did not end there are left out; what the run itself
    was given counts.

    Outputs of agents that connections read are stored. Any other is the agent's last answer (no
    ballot), and the block's in a block of one agent.
    """
    rows = BlockResult.objects.filter(execution=run, block_id__in=list(agents))
    outputs: dict[str, Any] = {
        name: entry for name, entry in (run.given_outputs or {}).items() if name in agents
    }
    several: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.status == BlockStatus.COMPLETED or row.output is not None:
            outputs[row.block_id] = {"output": row.output}
        elif row.completed_at is not None:
            outputs[row.block_id] = None
        if row.status == BlockStatus.COMPLETED and len(agents[row.block_id]) > 1:
            several[row.block_id] = row.by_agent or {}
    answers = _answers(run, list(several))
    for block_id, stored in several.items():
        outputs[block_id] |= _by_agent(answers[block_id], stored, agents[block_id])
    return outputs


def _by_agent(
    answers: Mapping[str, Any], stored: Mapping[str, Any], agents: Sequence[str]
) -> dict[str, Any]:
    """`by_agent`; with `lost`, the agents of whose outputs nothing is left."""
    # A block that was replayed from a run that is gone has no answers at all.
    known = answers or dict.fromkeys(agents, REMOVED)
    found = {**{name: value for name, value in known.items() if value is not REMOVED}, **stored}
    lost = [name for name in known if name not in found]
    return {"by_agent": found, **({"lost": lost} if lost else {})}


def delivered(outputs: Mapping[str, Any], agents: Agents) -> dict[str, BlockOutput]:
    """Without outputs of agents, each agent has the block's, as with a default value."""
    found = {}
    for name, entry in outputs.items():
        if entry is not None and name in agents:
            value, by_agent = entry.get("output"), entry.get("by_agent")
            if by_agent is None:
                by_agent = dict.fromkeys(agents[name], value)
            found[name] = BlockOutput(value, by_agent)
    return found


def facts_of(run: Execution) -> dict[str, Any]:
    """`execution` in expressions."""
    return {
        "id": run.public_id,
        "trigger": run.trigger_type,
        "started_at": run.started_at.isoformat() if run.started_at else None,
    }


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


def _answers(run: Execution, block_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By block and agent the last answer, without ballots: those are about the answers of others.

    Replayed answers are in the runs that it resumed, but for those of blocks that it ran again;
    retention may have removed them there.
    """
    answers: dict[str, dict[str, Any]] = {name: {} for name in block_ids}
    if not block_ids:
        return answers
    stale = {run.pk: frozenset[str](), **dict(journal_of(run))}
    steps = Step.objects.filter(execution__in=list(stale), block_id__in=block_ids)
    steps = steps.filter(status=StepStatus.COMPLETED).exclude(agent_id="").exclude(purpose=BALLOT)
    steps = steps.filter(tool__isnull=True)
    columns = ("execution", "block_id", "agent_id", "output", "execution__payload_removed_at")
    for pk, block_id, agent_id, output, removed_at in steps.order_by("pk").values_list(*columns):
        if block_id not in stale[pk]:
            answers[block_id][agent_id] = output if removed_at is None else REMOVED
    return answers
