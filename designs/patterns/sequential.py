"""Sequential: agents in order, each working on the answer of the one before it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.labels import shown
from designs.graph.spec import Agent, Block
from designs.patterns.base import BlockOutput, Part, Pattern, RunContext, Settings
from designs.patterns.prompts import answer_part, delivered, free_answer, render_task
from designs.patterns.shapes import answer_of


class SequentialSettings(Settings):
    """The earlier answers that an agent sees."""

    context: Literal["last", "full"] = Field(
        default="last",
        title="An agent sees",
        description="`last`: an agent sees the answer before its own. `full`: all earlier ones.",
        json_schema_extra=shown(
            choices={"last": "the answer before its own", "full": "all answers"}, help=""
        ),
    )


class Sequential(Pattern[SequentialSettings]):
    """The output is the last agent's answer; an agent that fails makes the block fail."""

    type = "sequential"
    label = "Sequential"
    summary = "Agents take turns in order; each gets the task and the answer before its own."
    settings_type = SequentialSettings
    new_agents = (
        Agent(
            id="writer",
            name="Writer",
            system_prompt="You do the task you are given. Answer briefly and to the point.",
        ),
        Agent(
            id="editor",
            name="Editor",
            system_prompt=(
                "You improve the answer before yours: correct mistakes, cut what is not needed, "
                "and write it so that it is understood at once. Answer with the improved text."
            ),
        ),
    )
    output = answer_of("last")

    def answers_freely(self, block: Block, settings: SequentialSettings) -> Collection[str]:
        return [agent.id for agent in block.agents]

    def most_calls(self, block: Block, settings: SequentialSettings) -> Iterable[Questions]:
        return [Questions([agent]) for agent in block.agents]

    async def run(
        self, block: Block, settings: SequentialSettings, context: RunContext
    ) -> BlockOutput:
        task = render_task(block, context)
        conversation: list[Part] = []
        answers: dict[str, Any] = {}
        answer: Any = ""
        for agent in block.agents:
            earlier = conversation if settings.context == "full" else conversation[-1:]
            parts = [*task, *delivered(agent, context), *earlier]
            answer = await free_answer(context, agent, parts, purpose="answer")
            conversation.append(answer_part(agent, answer))
            answers[agent.id] = answer
        return BlockOutput(answer, by_agent=answers)
