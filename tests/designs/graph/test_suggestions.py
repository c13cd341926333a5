"""Suggested prompts: applied where the prompt is still the one reviewed, and never as code."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.suggestions import (
    Suggestion,
    apply_to_document,
    keep_expressions,
    read_suggestion,
)
from tests.documents import greeting

WRITES = Suggestion("greet", "writer", "You write greetings.", "You write warm greetings.")
EDITS = Suggestion("greet", "editor", "You shorten greetings.", "You cut greetings.")


def prompts(document: dict[str, Any]) -> list[str]:
    return [agent["system_prompt"] for agent in document["blocks"][0]["agents"]]


def test_one_or_all_are_put_in() -> None:
    before = greeting()
    one, refusals = apply_to_document(before, [WRITES])
    assert prompts(one) == ["You write warm greetings.", "You shorten greetings."]
    both, _ = apply_to_document(before, [WRITES, EDITS])
    assert prompts(both) == ["You write warm greetings.", "You cut greetings."]
    assert refusals == ()
    assert before == greeting()


@pytest.mark.parametrize(
    ("suggestion", "words"),
    [
        (Suggestion("greet", "ghost", "x", "y"), "no agent `ghost` of block `greet`"),
        (Suggestion("gone", "writer", "x", "y"), "no agent `writer` of block `gone`"),
        (Suggestion("greet", "writer", "Older.", "y"), "changed since"),
        (EDITS, "two suggestions"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_changes(
    suggestion: Suggestion, words: str
) -> None:
    document, refusals = apply_to_document(greeting(), [EDITS, suggestion])
    assert document == greeting()
    assert len(refusals) == 1
    assert words in refusals[0]


@pytest.mark.parametrize(
    "document", [{}, {"blocks": 1}, {"blocks": [1, {"id": []}, {"agents": 2}]}]
)
def test_drafts_of_any_shape_are_borne(document: dict[str, Any]) -> None:
    assert len(apply_to_document(document, [WRITES])[1]) == 1


@pytest.mark.parametrize(
    ("current", "suggested", "applied"),
    [
        ("See {{ input.a }}.", "Read {{input.a}} well.", "Read {{input.a}} well."),
        ("See {{ input.a }}.", "{{ input.b }}", "\\{{ input.b }}"),
        ("See.", "{{ input.a }}", "\\{{ input.a }}"),
        ("{{ input.a }}", "{{ input.a }} {{ blocks }}", "{{ input.a }} \\{{ blocks }}"),
        ("{{ input.a }}", "\\{{ input.a }}", "\\{{ input.a }}"),
        ("{{ broken", "{{ broken", "\\{{ broken"),
        ("{{ 'x' || input.a }}", "{{ 'x' || input.a }}", "{{ 'x' || input.a }}"),
    ],
)
def test_only_expressions_of_the_current_prompt_stay_expressions(
    current: str, suggested: str, applied: str
) -> None:
    assert keep_expressions(suggested, current) == applied


def test_suggestions_are_read_from_what_a_review_wrote() -> None:
    raw = {
        "block_id": "greet",
        "agent_id": "writer",
        "current_prompt": "You write greetings.",
        "suggested_prompt": "You write warm greetings.",
        "reasoning": None,
    }
    assert read_suggestion(raw) == WRITES
    assert read_suggestion({**raw, "agent_id": 5}) is None
    assert read_suggestion({}) is None
