"""Suggested prompts that a review of the design made in an execution: listed, and put into the
draft.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from designs.access import Caller
from designs.errors import NotAllowed, SuggestionsOutdated
from designs.graph.suggestions import read_suggestion
from designs.models import Design
from designs.services import apply_suggestions
from executor.models import BlockStatus, Execution

REVIEW = "review_design"
PAYLOAD = "executor.view_payload"


def suggestions_of(execution: Execution) -> list[dict[str, Any]]:
    """All suggestions of the execution's reviews, each with `block_id`, `agent_id`,
    `current_prompt`, `suggested_prompt`, `reasoning`; in the order of the blocks.
    """
    reviews = list(_reviews(_document(execution)))
    if not reviews:
        return []
    rows = execution.blocks.filter(block_id__in=reviews, status=BlockStatus.COMPLETED)
    outputs = dict(rows.values_list("block_id", "output"))
    return [one for name in reviews for one in _read(outputs.get(name))]


def apply_review(*, execution: Execution, agents: Sequence[str] | None, caller: Caller) -> Design:
    """Put suggested prompts of the execution into its design's draft: those for `agents`, each
    named `block_id/agent_id`, or all of them (None). All or nothing.

    Raises SuggestionsOutdated, NotAllowed.
    """
    if not caller.may(PAYLOAD):
        raise NotAllowed("Applying suggestions needs the right to see prompts.")
    found = suggestions_of(execution)
    if not found:
        raise SuggestionsOutdated(["This execution has no suggestions for prompts."])
    chosen = found if agents is None else _chosen(found, agents)
    return apply_suggestions(design=execution.design, suggestions=chosen, caller=caller)


def name_of(suggestion: dict[str, Any]) -> str:
    """What chooses a suggestion: its block and agent."""
    return f"{suggestion['block_id']}/{suggestion['agent_id']}"


def _chosen(found: Sequence[dict[str, Any]], agents: Sequence[str]) -> list[dict[str, Any]]:
    named = {name_of(one) for one in found}
    if unknown := [name for name in agents if name not in named]:
        raise SuggestionsOutdated(
            [
                f"There is no suggestion for {name[:140]!r}. Name one as in `block/agent`."
                for name in unknown
            ]
        )
    if not agents:
        raise SuggestionsOutdated(["Choose at least one suggestion."])
    return [one for one in found if name_of(one) in agents]


def _document(execution: Execution) -> Any:
    if execution.document is not None:
        return execution.document
    return None if execution.version is None else execution.version.document


def _reviews(document: Any) -> Iterator[str]:
    """The ids of the blocks that review the design."""
    for block in document.get("blocks", ()) if isinstance(document, dict) else ():
        if (block.get("settings") or {}).get("mode") == REVIEW:
            yield block["id"]


def _read(output: Any) -> Iterator[dict[str, Any]]:
    entries = output.get("suggestions") if isinstance(output, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and read_suggestion(entry) is not None:
            yield entry
