"""Suggested prompts: puts them in where the prompts are still those that were read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.expressions import ExpressionError, Template, escape_text
from designs.graph.report import excerpt


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a reviewer of the design says about one agent's system prompt."""

    block_id: str
    agent_id: str
    current_prompt: str
    suggested_prompt: str
    reasoning: str = ""


def read_suggestion(raw: Mapping[str, Any]) -> Suggestion | None:
    """The suggestion that a review wrote as an object; None if its names or prompts are no text."""
    names = ("block_id", "agent_id", "current_prompt", "suggested_prompt")
    if not all(isinstance(raw.get(name), str) for name in names):
        return None
    reasoning = raw.get("reasoning")
    texts = {name: raw[name] for name in names}
    return Suggestion(**texts, reasoning=reasoning if isinstance(reasoning, str) else "")


def apply_to_document(
    document: dict[str, Any], suggestions: Iterable[Suggestion]
) -> tuple[dict[str, Any], Sequence[str]]:
    """The document with all suggested prompts, and why any of them cannot be put in."""
    changed: dict[tuple[str, str], str] = {}
    refusals = []
    for suggestion in suggestions:
        where = (suggestion.block_id, suggestion.agent_id)
        refusal = _refusal(document, suggestion)
        if where in changed:
            refusal = f"There are two suggestions for {_named(suggestion)}. Apply one of them."
        if refusal is None:
            changed[where] = keep_expressions(
                suggestion.suggested_prompt, suggestion.current_prompt
            )
        else:
            refusals.append(refusal)
    if refusals or not changed:
        return document, refusals
    blocks = [_with_prompts(block, changed) for block in document["blocks"]]
    return {**document, "blocks": blocks}, ()


def keep_expressions(suggested: str, current: str) -> str:
    """The suggested text as a template in which only the current prompt's expressions count.

    A model wrote the text: whatever else it put between braces stays text.
    """
    try:
        expressions = Template.compile(current).expressions
    except ExpressionError:
        expressions = ()
    text = escape_text(suggested)
    if not expressions:
        return text
    either = "|".join(re.escape(known) for known in sorted(set(expressions), key=len, reverse=True))
    return re.sub(rf"\\(\{{\{{\s*(?:{either})\s*\}}\}})", lambda found: found[1], text)


def _refusal(document: dict[str, Any], suggestion: Suggestion) -> str | None:
    agent = next(
        (
            agent
            for block in _objects(document.get("blocks"))
            if block.get("id") == suggestion.block_id
            for agent in _objects(block.get("agents"))
            if agent.get("id") == suggestion.agent_id
        ),
        None,
    )
    if agent is None:
        return f"There is no {_named(suggestion)} in the design any more."
    if (agent.get("system_prompt") or "") != suggestion.current_prompt:
        return f"The prompt of {_named(suggestion)} changed since it was reviewed. Review it again."
    return None


def _named(suggestion: Suggestion) -> str:
    return f"agent `{excerpt(suggestion.agent_id)}` of block `{excerpt(suggestion.block_id)}`"


def _with_prompts(block: Any, changed: dict[tuple[str, str], str]) -> Any:
    if not isinstance(block, dict) or not isinstance(block.get("agents"), list):
        return block
    mine = {agent: prompt for (owner, agent), prompt in changed.items() if owner == block.get("id")}
    agents = [
        {**agent, "system_prompt": mine[agent["id"]]}
        if isinstance(agent, dict) and isinstance(agent.get("id"), str) and agent["id"] in mine
        else agent
        for agent in block["agents"]
    ]
    return {**block, "agents": agents}


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
