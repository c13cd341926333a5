"""Reflection: criticises and revises a draft until it is good, or reviews a design's prompts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from designs.graph.spec import Block, Problem
from designs.patterns.base import BlockOutput, Pattern, RunContext, Settings
from designs.patterns.refining import refine
from designs.patterns.reviewing import review_design


class ReflectionSettings(Settings):
    """The subject of the reflection, and when a draft is good enough."""

    mode: Literal["refine", "review_design"] = Field(
        default="refine",
        description=(
            "`refine`: write, criticise and revise a draft. `review_design`: read all prompts of "
            "this design and the results so far, and suggest better prompts."
        ),
    )
    max_rounds: int = Field(
        default=3, ge=1, le=20, description="Most drafts that are written and scored (refine)."
    )
    threshold: int = Field(
        default=80,
        ge=0,
        le=100,
        description="The score at which a draft is good enough, from 0 to 100 (refine).",
    )
    patience: int = Field(
        default=1,
        ge=1,
        le=20,
        description="Stop after so many revisions in a row that are no better (refine).",
    )


class Reflection(Pattern[ReflectionSettings]):
    """The output is the best draft, or the suggestions for better prompts."""

    type = "reflection"
    label = "Reflection"
    summary = "A draft is scored and revised until it is good; or all prompts of a design reviewed."
    settings_type = ReflectionSettings
    roles = frozenset({"reflector", "specialist", "worker"})
    max_agents = 2

    def check(self, block: Block, settings: ReflectionSettings) -> Iterable[Problem]:
        reflectors = [agent for agent in block.agents if agent.role == "reflector"]
        if settings.mode == "review_design":
            if len(block.agents) > 1:
                yield Problem(
                    "/agents/1",
                    "One agent alone reviews a design. Remove the other, or use `refine`.",
                )
            defaults = ReflectionSettings()
            for key in ("max_rounds", "threshold", "patience"):
                if getattr(settings, key) != getattr(defaults, key):
                    yield Problem(
                        f"/settings/{key}",
                        f"A review of the design has no drafts, so `{key}` means nothing. "
                        "Remove it.",
                    )
        elif len(block.agents) > 1 and len(reflectors) != 1:
            yield Problem(
                "/agents/1/role",
                "One agent writes and one criticises: give exactly one the role `reflector`.",
            )

    async def run(
        self, block: Block, settings: ReflectionSettings, context: RunContext
    ) -> BlockOutput:
        if settings.mode == "review_design":
            return await review_design(block, context, block.agents[0])
        agents = block.agents
        critic = next((agent for agent in agents if agent.role == "reflector"), agents[-1])
        # One agent alone writes and criticises.
        writer = next((agent for agent in agents if agent is not critic), critic)
        return await refine(
            block,
            context,
            writer,
            critic,
            most_rounds=settings.max_rounds,
            threshold=settings.threshold,
            patience=settings.patience,
        )
