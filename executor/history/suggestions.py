"""Prompts that a review of the design suggested in an execution: list them, apply them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from designs.access import Caller
from designs.drafts.writing import Revisions
from designs.errors import NotAllowed, SuggestionsOutdated
from designs.graph.suggestions import outdated_reasons, read_suggestion
from designs.models import Design
from designs.services import apply_suggestions
from executor.history.quotes import PAYLOAD
from executor.models import BlockStatus, Execution

REVIEW = "review_design"


def suggestions_of(execution: Execution) -> list[dict[str, Any]]:
    """All suggestions of the execution's reviews, each with `block_id`, `agent_id`,
    `current_prompt`, `suggested_prompt`, `reasoning`; in the order of the blocks.
    """
    document = execution.document
    if document is None and execution.version is not None:
        document = execution.version.document
    blocks = document.get("blocks", ()) if isinstance(document, dict) else ()
    reviews = [b["id"] for b in blocks if (b.get("settings") or {}).get("mode") == REVIEW]
    if not reviews:
        return []
    rows = execution.blocks.filter(block_id__in=reviews, status=BlockStatus.COMPLETED)
    outputs = dict(rows.values_list("block_id", "output"))
    suggestions = []
    for review in reviews:
        output = outputs.get(review)
        entries = output.get("suggestions") if isinstance(output, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and read_suggestion(entry) is not None:
                suggestions.append(entry)
    return suggestions


def judged_suggestions(execution: Execution, caller: Caller) -> list[dict[str, Any]]:
    """The same with `outdated`: why one cannot be applied to today's draft, or None if it can. Who
    may not see the design is told nothing of its draft.
    """
    suggestions = [one for one in map(read_suggestion, suggestions_of(execution)) if one]
    rows = Design.objects.for_caller(caller).filter(pk=execution.design_id)
    draft = rows.values_list("draft", flat=True).first() if suggestions else None
    reasons = [None] * len(suggestions) if draft is None else outdated_reasons(draft, suggestions)
    return [
        {**asdict(one), "outdated": reason}
        for one, reason in zip(suggestions, reasons, strict=True)
    ]


def apply_review(
    *,
    execution: Execution,
    agents: Sequence[str] | None,
    caller: Caller,
    revisions: Revisions = None,
) -> Design:
    """Write the suggestions for `agents`, each named `block_id/agent_id`, or all of them (None),
    into the design's draft; all or nothing.

    Raises SuggestionsOutdated, NotAllowed, and DraftChanged if the draft is at none of the
    `revisions`.
    """
    if not caller.may(PAYLOAD):
        raise NotAllowed("Applying suggestions needs the right to see prompts.")
    suggestions = suggestions_of(execution)
    if not suggestions:
        raise SuggestionsOutdated(["This execution has no suggestions for prompts."])
    if agents is not None:
        names = {name_of(suggestion) for suggestion in suggestions}
        if unknown := [name for name in agents if name not in names]:
            raise SuggestionsOutdated(
                [
                    f"There is no suggestion for {name[:140]!r}. Name one as in `block/agent`."
                    for name in unknown
                ]
            )
        if not agents:
            raise SuggestionsOutdated(["Choose at least one suggestion."])
        suggestions = [entry for entry in suggestions if name_of(entry) in agents]
    return apply_suggestions(
        design=execution.design, suggestions=suggestions, caller=caller, revisions=revisions
    )


def name_of(suggestion: dict[str, Any]) -> str:
    return f"{suggestion['block_id']}/{suggestion['agent_id']}"
