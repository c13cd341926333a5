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
    agents = _agents(applied)
    refusals = []
    seen = set()
    for suggestion in suggestions:
        place = suggestion.block_id, suggestion.agent_id
        found = agents.get(place, [])
        if place in seen:
            refusals.append(
                f"There are two suggestions for {_named(suggestion)}. Apply one of them."
            )
        elif reason := _reason(suggestion, found):
            refusals.append(reason)
        else:
            seen.add(place)
            for agent in found:
                agent["system_prompt"] = _prompt(suggestion)
    return (document, refusals) if refusals else (applied, ())


def outdated_reasons(document: object, suggestions: Iterable[Suggestion]) -> list[str | None]:
    """For each suggestion why it cannot be applied to the document; None if it can."""
    agents = _agents(document if isinstance(document, dict) else {})
    return [
        _reason(one, agents.get((one.block_id, one.agent_id), [])) or None for one in suggestions
    ]


def _agents(document: Mapping[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """By the ids of block and agent; a draft may have two with the same."""
    agents: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for block in _objects(document.get("blocks")):
        for agent in _objects(block.get("agents")):
            names = block.get("id"), agent.get("id")
            if isinstance(names[0], str) and isinstance(names[1], str):
                agents.setdefault((names[0], names[1]), []).append(agent)
    return agents


def _reason(suggestion: Suggestion, agents: Sequence[Mapping[str, Any]]) -> str:
    """Why it cannot be applied to these agents; empty if it can."""
    if not agents:
        return f"There is no {_named(suggestion)} in the design any more."
    now = agents[0].get("system_prompt") or ""
    if now == suggestion.current_prompt:
        return ""
    if now == _prompt(suggestion):
        return f"The prompt of {_named(suggestion)} is the suggested one already."
    return f"The prompt of {_named(suggestion)} changed since it was reviewed. Review it again."


def _prompt(suggestion: Suggestion) -> str:
    return keep_expressions(suggestion.suggested_prompt, suggestion.current_prompt)


def _named(suggestion: Suggestion) -> str:
    return f"agent `{excerpt(suggestion.agent_id)}` of block `{excerpt(suggestion.block_id)}`"


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
