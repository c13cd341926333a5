"""Reflection: criticises and revises a draft until it is good, or reviews a design's prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.fixes import fix, other_role, remove_value
from designs.graph.labels import shown
from designs.graph.spec import Agent, Block, Fix, Problem
from designs.patterns.base import BlockOutput, Pattern, RunContext, Settings
from designs.patterns.refining import refine
from designs.patterns.reviewing import review_design
from designs.patterns.shapes import LIST, TEXT, case, object_with, with_cases


class ReflectionSettings(Settings):
    """The subject of the reflection, and when a draft is good enough."""

    mode: Literal["refine", "review_design"] = Field(
        default="refine",
        title="What it does",
        description=(
            "`refine`: write, criticise and revise a draft. `review_design`: read all prompts of "
            "this design and the results so far, and suggest better prompts."
        ),
        json_schema_extra=shown(
            choices={"refine": "improve a draft", "review_design": "review this design"}, help=""
        ),
    )
    max_rounds: int = Field(
        default=3,
        ge=1,
        le=20,
        title="Max drafts",
        description="Most drafts that are written and scored (refine).",
        json_schema_extra=shown(
            when="/settings/mode=refine", help="Most drafts that are written and scored."
        ),
    )
    threshold: int = Field(
        default=80,
        ge=0,
        le=100,
        title="Good enough from",
        description="The score at which a draft is good enough, from 0 to 100 (refine).",
        json_schema_extra=shown(
            when="/settings/mode=refine",
            help="The score, from 0 to 100, at which a draft is good enough.",
        ),
    )
    patience: int = Field(
        default=1,
        ge=1,
        le=20,
        title="Patience",
        description="Stop after so many revisions in a row that are no better (refine).",
        json_schema_extra=shown(
            when="/settings/mode=refine",
            help="Stop after so many revisions in a row that are no better.",
        ),
    )


class Reflection(Pattern[ReflectionSettings]):
    """The output is the best draft, or the suggestions for better prompts."""

    type = "reflection"
    label = "Reflection"
    summary = "A draft is scored and revised until it is good; or all prompts of a design reviewed."
    settings_type = ReflectionSettings
    roles = frozenset({"reflector", "specialist", "worker"})
    max_agents = 2
    new_agents = (
        Agent(
            id="writer",
            name="Writer",
            system_prompt="You write a draft that does the task, and revise it by the feedback.",
        ),
        Agent(
            id="critic",
            name="Critic",
            role="reflector",
            system_prompt=(
                "You judge drafts strictly: is the task met, is everything correct, is it clear?"
            ),
        ),
    )
    default_role = "reflector"
    role_words = {
        "worker": "writes",
        "specialist": "writes as a specialist",
        "reflector": "criticises",
    }
    output = with_cases(TEXT, case(object_with(suggestions=LIST), mode=["review_design"]))

    def check(self, block: Block, settings: ReflectionSettings) -> Iterable[Problem]:
        reflectors = [agent for agent in block.agents if agent.role == "reflector"]
        if settings.mode == "review_design":
            if len(block.agents) > 1:
                yield Problem(
                    "/agents/1",
                    "One agent alone reviews a design. Remove the other, or use `refine`.",
                    _without_writer(block),
                )
            defaults = ReflectionSettings()
            for key in ("max_rounds", "threshold", "patience"):
                if getattr(settings, key) != getattr(defaults, key):
                    yield Problem(
                        f"/settings/{key}",
                        f"A review of the design has no drafts, so `{key}` means nothing. "
                        "Remove it.",
                        fix(f"Remove `{key}`", remove_value(f"/settings/{key}")),
                    )
        elif len(block.agents) > 1 and len(reflectors) != 1:
            yield Problem(
                "/agents/1/role",
                "One agent writes and one criticises: give exactly one the role `reflector`.",
                _one_reflector(block, reflectors),
            )

    def most_calls(self, block: Block, settings: ReflectionSettings) -> Iterable[Questions]:
        if settings.mode == "review_design":
            return [Questions(block.agents)]
        writer, critic = writer_and_critic(block)
        return [Questions([agent], settings.max_rounds) for agent in (writer, critic)]

    async def run(
        self, block: Block, settings: ReflectionSettings, context: RunContext
    ) -> BlockOutput:
        if settings.mode == "review_design":
            return await review_design(block, context, block.agents[0])
        writer, critic = writer_and_critic(block)
        return await refine(
            block,
            context,
            writer,
            critic,
            most_rounds=settings.max_rounds,
            threshold=settings.threshold,
            patience=settings.patience,
        )


def writer_and_critic(block: Block) -> tuple[Agent, Agent]:
    """One agent alone is both."""
    agents = block.agents
    critic = next((agent for agent in agents if agent.role == "reflector"), agents[-1])
    return next((agent for agent in agents if agent is not critic), critic), critic


def _one_reflector(block: Block, reflectors: Sequence[Agent]) -> Fix | None:
    """None if one change of a role does not settle it."""
    if not reflectors:
        return other_role(block, block.agents[1], "reflector")
    first = block.agents[0]
    is_settled = len(reflectors) == 2 and first.role == "reflector"
    return other_role(block, first, "worker") if is_settled else None


def _without_writer(block: Block) -> Fix:
    """Without the agent that is no reflector, or without the second one."""
    others = [place for place, agent in enumerate(block.agents) if agent.role != "reflector"]
    place = others[0] if len(others) == 1 else 1
    name = block.agents[place].name.strip() or block.agents[place].id
    return fix(f"Remove {name}", remove_value(f"/agents/{place}"))
