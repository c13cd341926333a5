"""Sequential: agents in order, each working on the answer of the one before it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from designs.graph.spec import Block
from designs.patterns.base import BlockOutput, Part, Pattern, RunContext, Settings
from designs.patterns.prompts import answer_part, delivered, render_task


class SequentialSettings(Settings):
    """The earlier answers that an agent sees."""

    context: Literal["last", "full"] = Field(
        default="last",
        description="`last`: an agent sees the answer before its own. `full`: all earlier ones.",
    )


class Sequential(Pattern[SequentialSettings]):
    """The output is the last agent's answer; an agent that fails makes the block fail."""

    type = "sequential"
    label = "Sequential"
    summary = "Agents take turns in order; each gets the task and the answer before its own."
    settings_type = SequentialSettings

    async def run(
        self, block: Block, settings: SequentialSettings, context: RunContext
    ) -> BlockOutput:
        task = render_task(block, context)
        conversation: list[Part] = []
        answers: dict[str, str] = {}
        text = ""
        for agent in block.agents:
            earlier = conversation if settings.context == "full" else conversation[-1:]
            parts = [*task, *delivered(agent, context), *earlier]
            text = (await context.ask(agent, parts, purpose="answer")).text
            conversation.append(answer_part(agent, text))
            answers[agent.id] = text
        return BlockOutput(text, by_agent=answers)
