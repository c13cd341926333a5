"""Refines a draft: it is scored and revised until it is good enough or stops improving."""

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
    """The best draft; a score below the threshold marks the run degraded.

    Raises BlockFailed if the first critique has no score, AgentFailed if the first round fails. A
    later failure ends the revising, and the best draft so far is the output.
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
            reason = failed.reason.rstrip(".")
            context.degrade(
                f"Round {round_number} of revising failed ({reason}); the best draft was kept."
            )
            break
        if draft is None:
            context.degrade(
                f"{display_name(critic)} gave the draft of round {round_number} no score, "
                "so it does not count."
            )
            break
        drafts.append(draft)
        # The earliest of equal drafts, so that an equal score is no improvement.
        best = max(drafts, key=lambda draft: draft.score)
        if draft.score >= threshold or len(drafts) - 1 - drafts.index(best) >= patience:
            break
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
    # There is a scored draft already, so this answer may be lost.
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

    Raises BlockFailed if the `first` draft gets no score: there is no other draft yet.
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
    value = field_of(answer.value, "score")
    score = _score(value)
    if score is not None:
        return _Draft(written, score, text_of(answer.value, "feedback"))
    if first:
        but = "" if value is None else f", but {quoted(value)}"
        raise BlockFailed(
            f"{display_name(critic)} gave the draft no score from {MIN_SCORE} to {MAX_SCORE}{but}, "
            "so nobody knows whether it is good. Name a model for it that keeps to what is asked."
        )
    return None


def _score(value: Any) -> int | float | None:
    """A score from 0 to 100; None for any other value, or another scale, such as 0.8 or 8/10."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not MIN_SCORE <= value <= MAX_SCORE or 0 < value < 1:
        return None
    return value
