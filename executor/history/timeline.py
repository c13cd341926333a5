"""An execution as people read it: its blocks in the design's order, each with its steps."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from designs.rows.bounded import fill_page
from executor.history.quotes import error_without_quotes, failures_without_quotes
from executor.models import BlockResult, BlockStatus, Execution, Step

# What a page shows of one text; the rest is for the API and the download.
SHOWN = 20_000
# And how many steps, the last ones.
SHOWN_STEPS = 200


@dataclass
class ShownStep:
    """A step with its texts ready to be read; they are empty where payloads are hidden."""

    row: Step
    agent: str
    prompt: list[tuple[str, str]] = field(default_factory=list)
    answer: str = ""
    failures: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class ShownBlock:
    """A block of the design with how far it came; `row` is None before it started."""

    block_id: str
    label: str
    type: str
    row: BlockResult | None = None
    steps: list[ShownStep] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.row.status if self.row else BlockStatus.PENDING

    @property
    def error_message(self) -> str:
        return ((self.row.error if self.row else None) or {}).get("message", "")


def timeline(execution: Execution, *, with_payloads: bool) -> tuple[list[ShownBlock], bool]:
    """All blocks of the executed document, with their last steps in the order of their coming; and
    whether there are steps before these.

    A page that follows a run reads this at each change, so it is bounded, however many steps there
    are. Blocks of a document that cannot be read any more come by their rows alone.
    """
    shown, agents = _from_document(execution)
    for row in execution.blocks.defer("output"):
        block = shown.setdefault(row.block_id, ShownBlock(row.block_id, row.block_id, ""))
        block.row = row
        if not with_payloads:
            row.error = error_without_quotes(row.error)
    large = ("prompt", "text", "output")
    steps = execution.steps.order_by("-pk")

    def show(found: list[Step]) -> list[ShownStep]:
        return [_shown_step(step, agents, with_payloads) for step in found]

    _, last, has_earlier = fill_page(
        steps if with_payloads else steps.defer(*large),
        limit=SHOWN_STEPS,
        large=large if with_payloads else (),
        show=show,
        weigh=_weigh,
    )
    for one in reversed(last):
        step = one.row
        block = shown.setdefault(step.block_id, ShownBlock(step.block_id, step.block_id, ""))
        block.steps.append(one)
    return list(shown.values()), has_earlier


def _weigh(shown: ShownStep) -> int:
    """The characters of its texts, which are cut already."""
    return len(shown.answer) + sum(len(text) for _, text in shown.prompt)


def readable(value: Any) -> str:
    """Text as text, anything else as indented JSON, cut where a page would burst."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}\n… ({len(text) - SHOWN:,} more characters; the API has them all)"


def _from_document(
    execution: Execution,
) -> tuple[dict[str, ShownBlock], dict[tuple[str, str], str]]:
    document = execution.document or (execution.version and execution.version.document)
    shown: dict[str, ShownBlock] = {}
    agents: dict[tuple[str, str], str] = {}
    for block in (document or {}).get("blocks", ()):
        name = block["id"]
        shown[name] = ShownBlock(name, block.get("label") or name, block.get("type", ""))
        for agent in block.get("agents", ()):
            agents[name, agent["id"]] = agent.get("name") or agent["id"]
    return shown, agents


def _shown_step(step: Step, agents: dict[tuple[str, str], str], with_payloads: bool) -> ShownStep:
    failures = step.failures if with_payloads else failures_without_quotes(step.failures)
    name = agents.get((step.block_id, step.agent_id), step.agent_id)
    shown = ShownStep(step, name, failures=failures)
    if not with_payloads:
        return shown
    if step.agent_id:
        prompt = step.prompt or {}
        parts = [("System", prompt.get("system", ""))]
        parts += [(part["label"], readable(part["value"])) for part in prompt.get("parts", ())]
        shown.prompt = [(label, text) for label, text in parts if text]
    said = step.text or step.output
    shown.answer = "" if said is None or said == "" else readable(said)
    return shown
