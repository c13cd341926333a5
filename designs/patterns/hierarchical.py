"""Hierarchical: a manager splits the task among named workers and puts their results together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from designs.graph.bounds import Questions
from designs.graph.labels import shown
from designs.graph.spec import Agent, Block, Problem
from designs.patterns.base import (
    AgentFailed,
    BlockFailed,
    BlockOutput,
    Part,
    Pattern,
    RunContext,
    Settings,
)
from designs.patterns.members import in_order, later_turns
from designs.patterns.prompts import (
    about_agent,
    delivered,
    display_name,
    free_answer,
    instruction,
    notes,
    render_task,
)
from designs.patterns.shapes import answer_of
from designs.patterns.structured import (
    entries_of,
    list_of,
    listed,
    object_of,
    one_of,
    quoted,
    text,
    text_of,
)

AT_ONCE = 8

PLAN = (
    "Split the task into subtasks for the workers listed above. Give each subtask to the worker it "
    "suits, by the worker's id."
)
PLAN_AGAIN = (
    "Look at the results. If more work is needed, give further subtasks to the workers listed "
    "above, by their ids. If the results are enough, answer with an empty list of subtasks."
)
ALONE = " A worker sees the task and its own subtask, nothing else."
IN_TURN = " The workers take turns in your order, and each sees the results before its own."
SYNTHESIS = "Put the results together into one answer to the task."


class HierarchicalSettings(Settings):
    """Limits on the manager's delegations, and whether workers work at the same time."""

    rounds: int = Field(
        default=1,
        ge=1,
        le=10,
        title="Rounds of subtasks",
        description="How often the manager may give out subtasks before it writes the answer.",
    )
    max_delegations: int | None = Field(
        default=None,
        ge=1,
        le=200,
        title="Max subtasks",
        description="Most subtasks over all rounds. Empty: two for each worker.",
        json_schema_extra=shown(empty="two for each worker"),
    )
    parallel: bool = Field(
        default=True,
        title="Workers work at the same time",
        description=(
            "On: all subtasks of a round at the same time. Off: one after the other, each worker "
            "seeing the results before its own."
        ),
    )


@dataclass(frozen=True, slots=True)
class _Subtask:
    """`number` is its place among all subtasks of the round."""

    number: int
    worker: Agent
    task: str


@dataclass(frozen=True, slots=True)
class _Result:
    """A worker's answer to its subtask, or the reason why it has none."""

    subtask: _Subtask
    text: str | None
    loss: str = ""

    @property
    def part(self) -> Part:
        worker = self.subtask.worker
        label = f"Result of {display_name(worker)} for {quoted(self.subtask.task)}"
        return Part(label, self.text)


class Hierarchical(Pattern[HierarchicalSettings]):
    """The output is the manager's synthesis. The manager sees what was dropped or failed."""

    type = "hierarchical"
    label = "Hierarchical"
    summary = "A manager plans subtasks for named workers, then puts their results together."
    settings_type = HierarchicalSettings
    roles = frozenset({"manager", "worker", "specialist"})
    min_agents = 2
    new_agents = (
        Agent(
            id="manager",
            name="Manager",
            role="manager",
            system_prompt=(
                "You lead a small team. Give each worker a clear subtask, then put the results "
                "together into one answer."
            ),
        ),
        Agent(
            id="researcher",
            name="Researcher",
            system_prompt="You find the facts that a subtask needs. Say what you are not sure of.",
        ),
        Agent(
            id="writer",
            name="Writer",
            system_prompt="You write clear, short texts from the facts you are given.",
        ),
    )
    role_words = {
        "manager": "plans and puts together",
        "worker": "does subtasks",
        "specialist": "does subtasks as a specialist",
    }
    output = answer_of("manager")

    def answers_freely(self, block: Block, settings: HierarchicalSettings) -> Collection[str]:
        """Workers carry out several subtasks, whose answers are joined as texts."""
        return [manager_of(block).id] if block.agents else []

    def check(self, block: Block, settings: HierarchicalSettings) -> Iterable[Problem]:
        most = settings.max_delegations
        if most is not None and most < settings.rounds:
            yield Problem(
                "/settings/max_delegations",
                f"{most} subtasks are too few for {settings.rounds} rounds: each round gives out "
                "one or more. Allow more subtasks, or fewer rounds.",
            )

    def most_calls(self, block: Block, settings: HierarchicalSettings) -> Iterable[Questions]:
        manager = manager_of(block)
        most = _most(block, settings)
        yield Questions([manager], min(settings.rounds, most))
        yield Questions([agent for agent in block.agents if agent is not manager], most)
        yield Questions([manager])

    async def run(
        self, block: Block, settings: HierarchicalSettings, context: RunContext
    ) -> BlockOutput:
        return await _Run(block, settings, context).output()


@dataclass(slots=True)
class _Run:
    """One run of the block: the results and losses so far."""

    block: Block
    settings: HierarchicalSettings
    context: RunContext
    manager: Agent = field(init=False)
    workers: dict[str, Agent] = field(init=False)
    task: list[Part] = field(init=False)
    results: list[_Result] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.manager = manager_of(self.block)
        self.workers = {a.id: a for a in self.block.agents if a is not self.manager}
        self.task = render_task(self.block, self.context)

    async def output(self) -> BlockOutput:
        left = _most(self.block, self.settings)
        for round_number in range(1, self.settings.rounds + 1):
            subtasks = await self._plan(round_number, left)
            if not subtasks:
                break
            self.results += await self._carry_out(subtasks, round_number)
            left -= len(subtasks)
            if left == 0:
                break
        done = [result for result in self.results if result.text is not None]
        if not done:
            why = self.losses or [f"The plan of {display_name(self.manager)} has no subtasks."]
            workers = f"The workers are {listed(list(self.workers))}."
            raise BlockFailed(" ".join(["no subtask was carried out.", *why, workers]))
        parts = self._prompt(SYNTHESIS, with_workers=False)
        answer = await free_answer(self.context, self.manager, parts, purpose="synthesis")
        by_agent: dict[str, Any] = {}
        for result in done:
            name = result.subtask.worker.id
            by_agent[name] = "\n\n".join(filter(None, [by_agent.get(name), result.text]))
        return BlockOutput(answer, by_agent={**by_agent, self.manager.id: answer})

    async def _plan(self, round_number: int, left: int) -> list[_Subtask]:
        """Ask for subtasks; those that cannot be carried out are dropped and named."""
        first = round_number == 1
        wanted = (PLAN if first else PLAN_AGAIN) + (ALONE if self.settings.parallel else IN_TURN)
        entry = object_of(worker=one_of(self.workers), task=text())
        answer = await self.context.ask(
            self.manager,
            self._prompt(wanted, with_workers=True),
            purpose="plan" if first else "replan",
            round_number=round_number,
            schema=object_of(subtasks=list_of(entry, least=1 if first else 0, most=left)),
            lenient=True,
        )
        plan = answer.value
        if not isinstance(plan, dict) or not isinstance(plan.get("subtasks"), list):
            self._lose(f"The plan of {display_name(self.manager)} cannot be read.")
        subtasks: list[_Subtask] = []
        for item in entries_of(plan, "subtasks"):
            name, task = text_of(item, "worker"), text_of(item, "task")
            worker = self.workers.get(name)
            if not task:
                self._lose(f"The subtask {quoted(item)} was dropped: it does not say what to do.")
            elif worker is None:
                self._lose(
                    f"The subtask {quoted(task)} was dropped: there is no worker {quoted(name)}."
                )
            elif len(subtasks) == left:
                self._lose(
                    f"The subtask {quoted(task)} was dropped: "
                    f"no more than {_most(self.block, self.settings)} subtasks are allowed."
                )
            else:
                subtasks.append(_Subtask(len(subtasks) + 1, worker, task))
        return subtasks

    async def _carry_out(self, subtasks: Sequence[_Subtask], round_number: int) -> list[_Result]:
        results: list[_Result] = []
        at_once = AT_ONCE if self.settings.parallel else 1
        # Further plans with their results, and the synthesis.
        after = 2 * (self.settings.rounds - round_number) + 1
        turns = later_turns(len(subtasks), at_once=at_once)
        later: list[int | None] = [turn + after for turn in turns]
        if len(subtasks) == 1 and not any(result.text is not None for result in self.results):
            # Without this only result there is nothing to put together.
            later = [None]
        if self.settings.parallel:
            work = [
                self._do(subtask, round_number, [], turns_left)
                for subtask, turns_left in zip(subtasks, later, strict=True)
            ]
            results = await in_order(work, at_once=at_once)
        else:
            for subtask, turns_left in zip(subtasks, later, strict=True):
                earlier = [r.part for r in (*self.results, *results) if r.text is not None]
                results.append(await self._do(subtask, round_number, earlier, turns_left))
        for result in results:
            if result.text is None:
                worker, task = display_name(result.subtask.worker), quoted(result.subtask.task)
                self._lose(f"{worker} did not do {task}: {result.loss.rstrip('.')}.")
        return results

    async def _do(
        self, subtask: _Subtask, round_number: int, earlier: list[Part], later: int | None
    ) -> _Result:
        parts = [*self.task, *delivered(subtask.worker, self.context), *earlier]
        try:
            answer = await self.context.ask(
                subtask.worker,
                [*parts, Part("Your subtask", subtask.task)],
                purpose=f"subtask_{subtask.number}",
                round_number=round_number,
                later=later,
            )
        except AgentFailed as failed:
            return _Result(subtask, None, failed.reason)
        return _Result(subtask, answer.text)

    def _prompt(self, wanted: str, *, with_workers: bool) -> list[Part]:
        workers = {name: about_agent(worker) for name, worker in self.workers.items()}
        return [
            *self.task,
            *delivered(self.manager, self.context),
            *([Part("Workers", workers)] if with_workers else []),
            *[result.part for result in self.results if result.text is not None],
            *notes(self.losses),
            instruction(wanted),
        ]

    def _lose(self, sentence: str) -> None:
        self.losses.append(sentence)
        self.context.degrade(sentence)


def manager_of(block: Block) -> Agent:
    """The first agent with the role manager, else the first agent."""
    return next((agent for agent in block.agents if agent.role == "manager"), block.agents[0])


def _most(block: Block, settings: HierarchicalSettings) -> int:
    return settings.max_delegations or 2 * (len(block.agents) - 1)
