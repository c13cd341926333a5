"""Hints at what is probably a mistake: an input that nothing reads, fields that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from designs.patterns.catalogue import check_document
from designs.patterns.hints import UNUSED_INPUT, hints
from tests.graphs import asking, chain, design, link, transform

FIELDS = {"type": "object", "properties": {"q": {"type": "string"}}}


def told(raw: dict[str, Any]) -> list[tuple[str, str]]:
    checked = check_document(raw)
    assert checked.graph is not None, checked.problems
    found = [(hint.path, hint.message) for hint in hints(checked.graph)]
    return [hint for hint in found if hint[0] == "/input_schema"]


def test_an_input_that_nothing_reads_is_told() -> None:
    raw = design([transform("a", "`1`"), asking("b")], chain("a", "b"), input_schema=FIELDS)
    assert told(raw) == [("/input_schema", UNUSED_INPUT)]


@pytest.mark.parametrize("schema", [None, {"type": "object"}, {"type": "object", "properties": {}}])
def test_without_fields_there_is_nothing_to_use(schema: Any) -> None:
    assert told(design([transform("a", "`1`")], input_schema=schema)) == []


@pytest.mark.parametrize(
    "raw",
    [
        design([asking("a")]),
        design([asking("a", task="Do {{ input.q }}.")]),
        design([transform("a", "input.q")]),
        design([transform("a"), asking("b", task="{{ input.q }}")], chain("a", "b")),
        design([transform("a"), transform("b")], [link("a", "b", when="input.q")]),
        design([transform("a")], output="input.q"),
        design([transform("a")], output="{{ input.q }}"),
    ],
)
def test_any_use_is_enough(raw: dict[str, Any]) -> None:
    assert told({**raw, "input_schema": FIELDS}) == []
