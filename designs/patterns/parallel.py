"""Parallel: the same task to all members at once, then one aggregate of their answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.fixes import added_agents, fix, other_role, set_value
from designs.graph.labels import shown
from designs.graph.same_values import key_of
from designs.graph.spec import Agent, Block, Problem
from designs.patterns.base import BlockOutput, Pattern, RunContext, Settings
from designs.patterns.members import ask_all, later_turns
from designs.patterns.prompts import (
    answer_part,
    delivered,
    display_name,
    free_answer,
    notes,
    render_task,
)
from designs.patterns.shapes import BY_AGENT, answer_of, case, with_cases

Aggregate = Literal["agent", "list", "vote"]
AGGREGATING_ROLES = ("manager", "moderator")


class ParallelSettings(Settings):
    """The number of answers, the number of concurrent members, and the aggregate."""

    require: Literal["all"] | Annotated[int, Field(ge=1)] = Field(
        default="all",
        title="Answers needed",
        description="How many members must answer: `all`, or a number.",
        json_schema_extra=shown(
            choices={"all": "all", "number": "at least"},
            help="With fewer than all, the run goes on and is marked as degraded.",
        ),
    )
    max_concurrency: int = Field(
        default=8,
        ge=1,
        le=100,
        title="Asked at once",
        description="Most members that are asked at the same time.",
    )
    aggregate: Aggregate | None = Field(
        default=None,
        title="Brought together by",
        description=(
            "`agent`: the agent with the role manager or moderator. `list`: an object by member. "
            "`vote`: the most frequent answer. Empty: `agent` if there is such an agent, else "
            "`list`."
        ),
        json_schema_extra=shown(
            choices={
                "agent": "the moderator or manager",
                "list": "nobody: all answers",
                "vote": "a vote: the most frequent answer",
            },
            empty="the moderator if there is one",
            help="",
        ),
    )


class Parallel(Pattern[ParallelSettings]):
    """The output is the aggregator's answer, an object by agent, or the most frequent answer."""

    type = "parallel"
    label = "Parallel"
    summary = (
        "All members get the same task at once; an agent, a list or a vote brings them together."
    )
    settings_type = ParallelSettings
    min_agents = 2
    new_agents = (
        Agent(
            id="optimist",
            name="Optimist",
            system_prompt="You look for what speaks for it: chances, strengths, what can go well.",
        ),
        Agent(
            id="sceptic",
            name="Sceptic",
            system_prompt="You look for what speaks against it: risks, gaps, what can go wrong.",
        ),
        Agent(
            id="moderator",
            name="Moderator",
            role="moderator",
            system_prompt=(
                "You bring the answers of the others together into one. Say where they agree and "
                "where they differ, then give a conclusion."
            ),
        ),
    )
    role_words = {
        "manager": "brings the answers together",
        "worker": "answers",
        "specialist": "answers as a specialist",
        "moderator": "brings the answers together",
        "reflector": "answers as a critic",
    }
    output = with_cases(
        BY_AGENT,
        case(answer_of("any"), aggregate=["vote"]),
        case(answer_of("aggregator"), aggregate=["agent"]),
        case(answer_of("aggregator"), aggregate=[None], roles=list(AGGREGATING_ROLES)),
    )

    def answers_freely(self, block: Block, settings: ParallelSettings) -> Collection[str]:
        return [agent.id for agent in block.agents]

    def check(self, block: Block, settings: ParallelSettings) -> Iterable[Problem]:
        aggregators = [agent for agent in block.agents if agent.role in AGGREGATING_ROLES]
        members = len(block.agents) - len(aggregators)
        for agent in aggregators[1:]:
            yield Problem(
                f"/agents/{block.agents.index(agent)}/role",
                f"`{aggregators[0].id}` aggregates already. Give this agent another role.",
                other_role(block, agent, "worker"),
            )
        if aggregators and settings.aggregate in ("list", "vote"):
            yield Problem(
                "/settings/aggregate",
                f"With `{settings.aggregate}` the agent `{aggregators[0].id}` "
                f"({aggregators[0].role}) has nothing to do. Use `agent`, or give it another role.",
            )
        if not aggregators and settings.aggregate == "agent":
            yield Problem(
                "/settings/aggregate",
                "No agent can aggregate. Give one the role `moderator` or `manager`.",
            )
        if members < 2:
            yield Problem(
                "/agents",
                "A parallel block needs 2 or more members beside the agent that aggregates.",
                added_agents(block, 2 - members, "worker"),
            )
        elif settings.require != "all" and settings.require > members:
            yield Problem(
                "/settings/require",
                f"Only {members} members can answer. Use `all` or a number up to that.",
                fix("Use `all`", set_value("/settings/require", "all")),
            )

    def most_calls(self, block: Block, settings: ParallelSettings) -> Iterable[Questions]:
        return [Questions([agent]) for agent in block.agents]

    async def run(
        self, block: Block, settings: ParallelSettings, context: RunContext
    ) -> BlockOutput:
        task = render_task(block, context)
        aggregator = None
        if settings.aggregate not in ("list", "vote"):
            aggregator = next((a for a in block.agents if a.role in AGGREGATING_ROLES), None)
        members = [agent for agent in block.agents if agent is not aggregator]

        needed = len(members) if settings.require == "all" else settings.require
        turns = later_turns(len(members), at_once=settings.max_concurrency)
        later = dict(zip((agent.id for agent in members), turns, strict=True))

        async def ask(agent: Agent) -> Any:
            after = later[agent.id] + (aggregator is not None)
            return await free_answer(
                context,
                agent,
                [*task, *delivered(agent, context)],
                purpose="answer",
                later=after if needed < len(members) else None,
            )

        gathered = await ask_all(members, ask, needed=needed, at_once=settings.max_concurrency)
        losses = [missing_sentence(gathered.missing)] if gathered.missing else []
        for loss in losses:
            context.degrade(loss)
        by_agent: dict[str, Any] = dict(gathered.answers)
        if aggregator is None:
            value: Any = by_agent if settings.aggregate != "vote" else vote(by_agent)
            return BlockOutput(value, by_agent=by_agent)
        answers = [
            answer_part(agent, by_agent[agent.id]) for agent in members if agent.id in by_agent
        ]
        parts = [*task, *delivered(aggregator, context), *answers, *notes(losses)]
        aggregate = await free_answer(context, aggregator, parts, purpose="aggregate")
        return BlockOutput(aggregate, by_agent={**by_agent, aggregator.id: aggregate})


def vote(answers: Mapping[str, Any]) -> Any:
    """The most frequent answer, as its first member wrote it; the earliest wins a tie.

    Texts are equal if they differ only in case, spaces, or quotes and stops around them.
    """
    votes: dict[Any, list[Any]] = {}
    for answer in answers.values():
        key = normalised(answer) if isinstance(answer, str) else key_of(answer)
        votes.setdefault(key, []).append(answer)
    return max(votes.values(), key=len)[0]


def missing_sentence(missing: Sequence[tuple[Agent, str]]) -> str:
    losses = "; ".join(f"{display_name(agent)} ({reason.rstrip('.')})" for agent, reason in missing)
    return f"No answer came from {losses}."


def normalised(text: str) -> str:
    """An answer for comparison: without case, extra spaces, and punctuation around it."""
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'`*_")
