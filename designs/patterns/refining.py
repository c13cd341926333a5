"""Refines a draft: written, scored, revised, until it is good enough or gets no better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.spec import Agent, Block
from designs.patterns.base import AgentFailed, BlockFailed, BlockOutput, Part, RunContext
from designs.patterns.prompts import delivered, display_name, instruction, render_task
from designs.patterns.structured import (
    field_of,
    object_of,
    quoted,
    text,
    text_of,
    whole_number,
)

MIN_SCORE, MAX_SCORE = 0, 100

CRITIQUE = (
    "Judge the draft by the task. Say in `feedback` what would make it better, then give it a "
    f"`score` from {MIN_SCORE} (useless) to {MAX_SCORE} (perfect)."
)
REVISE = "Write the draft anew, so that the feedback is met. Answer with the new draft alone."


@dataclass(frozen=True, slots=True)
class _Draft:
    text: str
    score: int | float
    feedback: str


async def refine(
    block: Block,
    context: RunContext,
    writer: Agent,
    critic: Agent,
    *,
    most_rounds: int,
    threshold: int,
    patience: int,
) -> BlockOutput:
    """The best draft. Below the threshold the run is marked degraded. Every draft is scored.

    Raises BlockFailed if the first critique has no score, AgentFailed if there is none; what fails
    later ends the revising, and the best draft so far is the output.
    """
    task = render_task(block, context)
    drafts: list[_Draft] = []
    for round_number in range(1, most_rounds + 1):
        try:
            written = await _write(context, writer, task, drafts, round_number)
            draft = await _judge(context, critic, task, written, round_number, first=not drafts)
        except AgentFailed as failed:
            if not drafts:
                raise
            _without_revision(context, failed, round_number)
            break
        if draft is None:
            _without_score(context, critic, round_number)
            break
        drafts.append(draft)
        if draft.score >= threshold or _stale_rounds(drafts) >= patience:
            break
    best = _best(drafts)
    if best.score < threshold:
        context.degrade(f"The best draft scored {best.score:g}; the threshold is {threshold}.")
    critique: dict[str, Any] = {"score": best.score, "feedback": best.feedback}
    return BlockOutput(best.text, by_agent={critic.id: critique, writer.id: best.text})


async def _write(
    context: RunContext,
    writer: Agent,
    task: Sequence[Part],
    drafts: Sequence[_Draft],
    round_number: int,
) -> str:
    parts = [*task, *delivered(writer, context)]
    if not drafts:
        return (await context.ask(writer, parts, purpose="draft")).text
    last = drafts[-1]
    parts += [
        Part("Draft", last.text),
        Part("Feedback", f"{last.feedback} (score: {last.score:g} of {MAX_SCORE})"),
        instruction(REVISE),
    ]
    # A draft that was scored is there already.
    answer = await context.ask(writer, parts, purpose="revise", round_number=round_number, later=0)
    return answer.text


async def _judge(
    context: RunContext,
    critic: Agent,
    task: Sequence[Part],
    written: str,
    round_number: int,
    *,
    first: bool,
) -> _Draft | None:
    """The scored draft; None if the critique has no score even after its correction.

    Raises BlockFailed if the `first` draft has none: there is no other then.
    """
    answer = await context.ask(
        critic,
        [*task, *delivered(critic, context), Part("Draft", written), instruction(CRITIQUE)],
        purpose="critique",
        round_number=round_number,
        schema=object_of(feedback=text(), score=whole_number(MIN_SCORE, MAX_SCORE)),
        lenient=True,
        later=None if first else 0,
    )
    said = field_of(answer.value, "score")
    score = _score(said)
    if score is None:
        if first:
            raise BlockFailed(_no_score(critic, said))
        return None
    return _Draft(written, score, text_of(answer.value, "feedback"))


def _score(said: Any) -> int | float | None:
    """A score from 0 to 100; None if it is none, or one of another scale, as 0.8 and 8/10 are."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = int(said[:9])
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    if not MIN_SCORE <= said <= MAX_SCORE or 0 < said < 1:
        return None
    return said


def _no_score(critic: Agent, said: Any) -> str:
    but = "" if said is None else f", but {quoted(said)}"
    return (
        f"{display_name(critic)} gave the draft no score from {MIN_SCORE} to {MAX_SCORE}{but}, "
        "so nobody knows whether it is good. Name a model for it that keeps to what is asked."
    )


def _without_score(context: RunContext, critic: Agent, round_number: int) -> None:
    who = display_name(critic)
    context.degrade(f"{who} gave the draft of round {round_number} no score, so it does not count.")


def _without_revision(context: RunContext, failed: AgentFailed, round_number: int) -> None:
    reason = failed.reason.rstrip(".")
    context.degrade(f"Round {round_number} of revising failed ({reason}); the best draft was kept.")


def _best(drafts: Sequence[_Draft]) -> _Draft:
    """Among equals the earliest."""
    return max(drafts, key=lambda draft: draft.score)


def _stale_rounds(drafts: Sequence[_Draft]) -> int:
    """How many drafts came after the best one."""
    return len(drafts) - 1 - drafts.index(_best(drafts))
