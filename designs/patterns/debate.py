"""Debate: agents argue in rounds; at the end a judge decides, or a vote, or the last round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.fixes import added_agents, other_role
from designs.graph.labels import shown
from designs.graph.spec import Agent, Block, Problem
from designs.patterns.base import (
    AgentFailed,
    Answer,
    BlockFailed,
    BlockOutput,
    Part,
    Pattern,
    RunContext,
    Settings,
)
from designs.patterns.members import ask_all
from designs.patterns.parallel import missing_sentence, normalised
from designs.patterns.prompts import (
    about_agent,
    delivered,
    display_name,
    instruction,
    notes,
    render_task,
)
from designs.patterns.shapes import BY_AGENT, TEXT, case, with_cases
from designs.patterns.structured import (
    field_of,
    listed,
    object_of,
    one_of,
    quoted,
    text,
    text_of,
    yes_or_no,
)

Judge = Literal["agent", "vote", "none"]
JUDGING_ROLES = ("moderator", "manager")
MAX_DEBATERS = 8
MIN_LEFT = 2

OPENING = "Give your position and your strongest reasons for it."
REPLY = (
    "Answer the others: say what convinces you and what does not. Then give your position as it is "
    "now, with your reasons."
)
AGREES = " Say in `agrees` whether you and all others now hold the same position."
VOTE = "Vote for the debater whose position convinces you most; it may be your own."
VERDICT = (
    "Judge the debate: give the reason of your verdict, name the winner by its id, and write the "
    "final answer to the task."
)


class DebateSettings(Settings):
    """The length of the debate, and who decides at its end."""

    rounds: int = Field(
        default=3,
        ge=1,
        le=10,
        title="Max rounds",
        description="Most rounds. The first is the opening, in which nobody sees the others.",
    )
    stop_on_agreement: bool = Field(
        default=True,
        title="Stop when all agree",
        description="End the debate early when all debaters agree.",
        json_schema_extra=shown(help=""),
    )
    judge: Judge | None = Field(
        default=None,
        title="Decided by",
        description=(
            "`agent`: the agent with the role moderator or manager gives a verdict. `vote`: the "
            "debaters vote. `none`: the output is the last round. Empty: `agent` if there is such "
            "an agent, else `none`."
        ),
        json_schema_extra=shown(
            choices={
                "agent": "the moderator or manager",
                "vote": "a vote of the debaters",
                "none": "nobody: the last round",
            },
            empty="the moderator if there is one",
            help="",
        ),
    )


class Debate(Pattern[DebateSettings]):
    """The output is the judge's final answer, the voted answer, or the last round by debater."""

    type = "debate"
    label = "Debate"
    summary = "Two to eight agents argue in rounds; a judge or a vote decides at the end."
    settings_type = DebateSettings
    roles = frozenset({"manager", "moderator", "specialist", "worker"})
    min_agents = 2
    max_agents = MAX_DEBATERS + 1
    new_agents = (
        Agent(
            id="advocate",
            name="Advocate",
            system_prompt="You argue for the proposal, with reasons and examples.",
        ),
        Agent(
            id="opponent",
            name="Opponent",
            system_prompt="You argue against the proposal, with reasons and examples.",
        ),
        Agent(
            id="judge",
            name="Judge",
            role="moderator",
            system_prompt="You weigh the arguments fairly and decide by the better reasons.",
        ),
    )
    role_words = {
        "manager": "judges",
        "worker": "debates",
        "specialist": "debates as a specialist",
        "moderator": "judges",
    }
    output = with_cases(
        BY_AGENT,
        case(TEXT, judge=["agent", "vote"]),
        case(TEXT, judge=[None], roles=list(JUDGING_ROLES)),
    )

    def check(self, block: Block, settings: DebateSettings) -> Iterable[Problem]:
        judges = [agent for agent in block.agents if agent.role in JUDGING_ROLES]
        debaters = len(block.agents) - len(judges)
        for agent in judges[1:]:
            yield Problem(
                f"/agents/{block.agents.index(agent)}/role",
                f"`{judges[0].id}` judges already. Give this agent another role.",
                other_role(block, agent, "worker") if debaters < MAX_DEBATERS else None,
            )
        if judges and settings.judge in ("vote", "none"):
            yield Problem(
                "/settings/judge",
                f"With `{settings.judge}` the agent `{judges[0].id}` ({judges[0].role}) has "
                "nothing to do. Use `agent`, or give it another role.",
            )
        if not judges and settings.judge == "agent":
            yield Problem(
                "/settings/judge",
                "No agent can judge. Give one the role `moderator` or `manager`.",
            )
        if not MIN_LEFT <= debaters <= MAX_DEBATERS:
            yield Problem(
                "/agents",
                f"A debate has {MIN_LEFT} to {MAX_DEBATERS} debaters beside the judge, "
                f"and this one has {debaters or 'none'}.",
                added_agents(block, MIN_LEFT - debaters, "worker") if debaters < MIN_LEFT else None,
            )

    def most_calls(self, block: Block, settings: DebateSettings) -> Iterable[Questions]:
        judges = [agent for agent in block.agents if agent.role in JUDGING_ROLES][:1]
        turns = settings.rounds + (settings.judge == "vote")
        for agent in block.agents:
            yield Questions([agent], 1 if agent in judges else turns)

    async def run(self, block: Block, settings: DebateSettings, context: RunContext) -> BlockOutput:
        debate = _Run(block, settings, context)
        await debate.hold()
        if debate.judge is not None:
            return await debate.verdict(debate.judge)
        return await debate.vote() if settings.judge == "vote" else debate.last_round()


@dataclass(slots=True)
class _Run:
    """One debate: the answers of each round by debater, and the failures."""

    block: Block
    settings: DebateSettings
    context: RunContext
    judge: Agent | None = field(init=False)
    debaters: list[Agent] = field(init=False)
    task: list[Part] = field(init=False)
    rounds: list[dict[str, str]] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        agents = self.block.agents
        judges = [agent for agent in agents if agent.role in JUDGING_ROLES]
        self.judge = judges[0] if judges else None
        self.debaters = [agent for agent in agents if agent is not self.judge]
        self.task = render_task(self.block, self.context)

    @property
    def positions(self) -> dict[str, str]:
        """The latest answer of each debater, in the document's order."""
        latest = {name: answer for answers in self.rounds for name, answer in answers.items()}
        return {agent.id: latest[agent.id] for agent in self.debaters if agent.id in latest}

    # --- The rounds -------------------------------------------------------------------------------

    async def hold(self) -> None:
        for number in range(1, self.settings.rounds + 1):
            if await self._round(number) and self.settings.stop_on_agreement:
                return

    async def _round(self, number: int) -> bool:
        """Ask every debater; true if all answered and agree."""
        # An agreement in the last round would change nothing, so nobody is asked about it there.
        asks_agreement = self.settings.stop_on_agreement and 1 < number < self.settings.rounds
        positions = self.positions

        async def ask(agent: Agent) -> Answer:
            return await self._ask(agent, number, positions, asks_agreement=asks_agreement)

        gathered = await ask_all(self.debaters, ask, needed=MIN_LEFT, at_once=len(self.debaters))
        self.rounds.append({name: answer.text for name, answer in gathered.answers.items()})
        if gathered.missing:
            self._lose(f"Round {number}: {missing_sentence(gathered.missing)}")
            return False
        answers = gathered.answers.values()
        if asks_agreement and all(field_of(answer.value, "agrees") is True for answer in answers):
            return True
        return len({normalised(answer.text) for answer in answers}) == 1

    async def _ask(
        self, agent: Agent, number: int, positions: Mapping[str, str], *, asks_agreement: bool
    ) -> Answer:
        """One debater's turn. Raises AgentFailed if it forfeits the round."""
        parts = [*self.task, *delivered(agent, self.context)]
        decides = self.judge is not None or self.settings.judge == "vote"
        is_optional = len(self.debaters) > MIN_LEFT
        later = self.settings.rounds - number + decides if is_optional else None
        if number == 1:
            wanted = instruction(OPENING)
            return await self.context.ask(agent, [*parts, wanted], purpose="opening", later=later)
        parts += [
            Part("Your last answer" if other is agent else self._label(other), positions[other.id])
            for other in self.debaters
            if other.id in positions
        ]
        answer = await self.context.ask(
            agent,
            [*parts, instruction(REPLY + (AGREES if asks_agreement else ""))],
            purpose="reply",
            round_number=number,
            schema=object_of(answer=text(), agrees=yes_or_no()) if asks_agreement else None,
            lenient=asks_agreement,
            later=later,
        )
        if not asks_agreement:
            return answer
        reply = text_of(answer.value, "answer")
        if not reply:
            raise AgentFailed(agent.id, "the answer did not have the form that was asked for.")
        return Answer(reply, answer.value)

    # --- The end ----------------------------------------------------------------------------------

    async def verdict(self, judge: Agent) -> BlockOutput:
        positions = self.positions
        transcript = [
            Part(f"{self._label(agent)}, round {number}", answers[agent.id])
            for number, answers in enumerate(self.rounds, start=1)
            for agent in self.debaters
            if agent.id in answers
        ]
        answer = await self.context.ask(
            judge,
            [*self.task, *delivered(judge, self.context), *self._legend(), *transcript,
             *notes(self.losses), instruction(VERDICT)],
            purpose="verdict",
            round_number=len(self.rounds),
            schema=object_of(reason=text(), winner=one_of(positions), answer=text()),
            lenient=True,
        )  # fmt: skip
        final = text_of(answer.value, "answer")
        if not final:
            raise BlockFailed(
                f"the verdict of {display_name(judge)} cannot be read: it must name a winner of "
                f"{listed(list(positions))} and give the final answer."
            )
        winner = field_of(answer.value, "winner")
        if winner not in list(positions):
            self._lose(f"{display_name(judge)} named no winner among {listed(list(positions))}.")
            winner = None
        reason = text_of(answer.value, "reason")
        verdict = {"winner": winner, "reason": reason, "answer": final}
        return BlockOutput(final, by_agent={**positions, judge.id: verdict})

    async def vote(self) -> BlockOutput:
        """The latest answer of the debater with the most votes; the earliest wins a tie."""
        positions = self.positions
        answers = [
            Part(self._label(agent), positions[agent.id])
            for agent in self.debaters
            if agent.id in positions
        ]

        async def ask(agent: Agent) -> Answer:
            answer = await self.context.ask(
                agent,
                [*self.task, *delivered(agent, self.context), *self._legend(), *answers,
                 instruction(VOTE)],
                purpose="vote",
                round_number=len(self.rounds),
                schema=object_of(reason=text(), winner=one_of(positions)),
                lenient=True,
                later=0,
            )  # fmt: skip
            winner = text_of(answer.value, "winner")
            if winner not in positions:
                raise AgentFailed(agent.id, f"{quoted(winner)} did not debate.")
            return Answer(winner)

        gathered = await ask_all(self.debaters, ask, needed=1, at_once=len(self.debaters))
        if gathered.missing:
            self._lose(f"The vote: {missing_sentence(gathered.missing)}")
        votes = Counter(answer.text for answer in gathered.answers.values())
        winner = max(positions, key=lambda name: votes[name])
        return BlockOutput(positions[winner], by_agent=positions)

    def last_round(self) -> BlockOutput:
        return BlockOutput(self.rounds[-1], by_agent=self.positions)

    # --- Words ------------------------------------------------------------------------------------

    def _legend(self) -> list[Part]:
        return [Part("Debaters", {agent.id: about_agent(agent) for agent in self.debaters})]

    def _label(self, agent: Agent) -> str:
        name = display_name(agent)
        return f"Answer of {name}" if name == agent.id else f"Answer of {name} ({agent.id})"

    def _lose(self, sentence: str) -> None:
        self.losses.append(sentence)
        self.context.degrade(sentence)
