"""Applies suggested prompts to a document whose prompts have not changed since the review."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.expressions import ExpressionError, Template, escape_text
from designs.graph.report import excerpt


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A reviewer's new system prompt for one agent."""

    block_id: str
    agent_id: str
    current_prompt: str
    suggested_prompt: str
    reasoning: str = ""


def read_suggestion(raw: Mapping[str, Any]) -> Suggestion | None:
    """Parse a suggestion from a review; None if an id or prompt is not text."""
    names = ("block_id", "agent_id", "current_prompt", "suggested_prompt")
    if not all(isinstance(raw.get(name), str) for name in names):
        return None
    reasoning = raw.get("reasoning")
    texts = {name: raw[name] for name in names}
    return Suggestion(**texts, reasoning=reasoning if isinstance(reasoning, str) else "")


def apply_to_document(
    document: dict[str, Any], suggestions: Iterable[Suggestion]
) -> tuple[dict[str, Any], Sequence[str]]:
    """The document with all suggested prompts; unchanged, with the reasons, if one is refused."""
    applied = copy.deepcopy(document)
    refusals = []
    seen = set()
    for suggestion in suggestions:
        block_id, agent_id = suggestion.block_id, suggestion.agent_id
        named = f"agent `{excerpt(agent_id)}` of block `{excerpt(block_id)}`"
        agents = [
            agent
            for block in _objects(applied.get("blocks"))
            if block.get("id") == block_id
            for agent in _objects(block.get("agents"))
            if agent.get("id") == agent_id
        ]
        if (block_id, agent_id) in seen:
            refusals.append(f"There are two suggestions for {named}. Apply one of them.")
        elif not agents:
            refusals.append(f"There is no {named} in the design any more.")
        elif (agents[0].get("system_prompt") or "") != suggestion.current_prompt:
            refusals.append(
                f"The prompt of {named} changed since it was reviewed. Review it again."
            )
        else:
            seen.add((block_id, agent_id))
            prompt = keep_expressions(suggestion.suggested_prompt, suggestion.current_prompt)
            for agent in agents:
                agent["system_prompt"] = prompt
    return (document, refusals) if refusals else (applied, ())


def keep_expressions(suggested: str, current: str) -> str:
    """The suggested text as a template, keeping only the expressions of the current prompt.

    A model wrote the text, so anything else in double braces is escaped.
    """
    try:
        expressions = Template.compile(current).expressions
    except ExpressionError:
        expressions = ()
    text = escape_text(suggested)
    if not expressions:
        return text
    either = "|".join(
        re.escape(source) for source in sorted(set(expressions), key=len, reverse=True)
    )
    return re.sub(rf"\\(\{{\{{\s*(?:{either})\s*\}}\}})", lambda match: match[1], text)


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
