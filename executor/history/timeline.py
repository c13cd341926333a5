"""An execution for people: its blocks in the design's order, each with its steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from designs.rows.bounded import fill_page
from executor.history.quotes import error_without_quotes, failures_without_quotes
from executor.models import BlockResult, BlockStatus, Execution, Step

# The limits of a page; the API and the download have everything.
MAX_CHARACTERS = 20_000
MAX_STEPS = 200


@dataclass
class StepView:
    """A step with its texts rendered; they are empty where payloads are hidden."""

    row: Step
    agent: str
    prompt: list[tuple[str, str]] = field(default_factory=list)
    answer: str = ""
    failures: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class BlockView:
    """A block of the design with its state; `row` is None before it started."""

    block_id: str
    label: str
    type: str
    row: BlockResult | None = None
    steps: list[StepView] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.row.status if self.row else BlockStatus.PENDING

    @property
    def error_message(self) -> str:
        return ((self.row.error if self.row else None) or {}).get("message", "")


def timeline(execution: Execution, *, with_payloads: bool) -> tuple[list[BlockView], bool]:
    """All blocks of the document with their last steps in order, and whether there are earlier
    steps.

    Of a run of one block alone, only that one. Pages that follow a run read this at each change, so
    its size is limited. Blocks that the document does not have any more are listed by their rows.
    """
    document = execution.document or (execution.version and execution.version.document)
    blocks: dict[str, BlockView] = {}
    agents: dict[tuple[str, str], str] = {}
    for block in (document or {}).get("blocks", ()):
        name = block["id"]
        if execution.only_block not in (None, name):
            continue
        blocks[name] = BlockView(name, block.get("label") or name, block.get("type", ""))
        for agent in block.get("agents", ()):
            agents[name, agent["id"]] = agent.get("name") or agent["id"]
    for row in execution.blocks.defer("output"):
        view = blocks.setdefault(row.block_id, BlockView(row.block_id, row.block_id, ""))
        view.row = row
        if not with_payloads:
            row.error = error_without_quotes(row.error)
    large = ("prompt", "text", "output")
    rows = execution.steps.order_by("-pk")
    _, steps, has_earlier = fill_page(
        rows if with_payloads else rows.defer(*large),
        limit=MAX_STEPS,
        large=large if with_payloads else (),
        show=lambda page: [_step_view(step, agents, with_payloads) for step in page],
        weigh=lambda step: len(step.answer) + sum(len(text) for _, text in step.prompt),
    )
    for step in reversed(steps):
        name = step.row.block_id
        blocks.setdefault(name, BlockView(name, name, "")).steps.append(step)
    return list(blocks.values()), has_earlier


def readable(value: Any) -> str:
    """Text as it is, anything else as indented JSON, cut to `MAX_CHARACTERS`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MAX_CHARACTERS:
        return text
    rest = len(text) - MAX_CHARACTERS
    return f"{text[:MAX_CHARACTERS]}\n… ({rest:,} more characters; the API has them all)"


def _step_view(step: Step, agents: dict[tuple[str, str], str], with_payloads: bool) -> StepView:
    failures = step.failures if with_payloads else failures_without_quotes(step.failures)
    name = agents.get((step.block_id, step.agent_id), step.agent_id)
    view = StepView(step, name, failures=failures)
    if not with_payloads:
        return view
    if step.agent_id:
        prompt = step.prompt or {}
        parts = [("System", prompt.get("system", ""))]
        parts += [(part["label"], readable(part["value"])) for part in prompt.get("parts", ())]
        view.prompt = [(label, text) for label, text in parts if text]
    answer = step.text or step.output
    view.answer = "" if answer is None or answer == "" else readable(answer)
    return view
