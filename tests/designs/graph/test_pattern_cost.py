"""Patterns whose counted repeats are dear are judged over short texts only, or not published."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.pattern_cost import FEW_PLACES, cost_of_pattern
from designs.graph.report import Report
from designs.graph.schema_check import MAX_UNITS, TOO_MUCH, SchemaCheck
from designs.graph.schemas import check_schema
from designs.graph.text_cost import text_cost

HALF_DEAR = r"[ab]*a[ab]{40}c"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.mark.parametrize(
    "pattern",
    [
        rf"^{UUID}$",
        r"^[a-z]{1,64}@[a-z]{1,64}$",
        r"^[^@\s]{1,64}@[^@\s]{1,255}\.[a-z]{2,}$",
        r"^(\+\d{1,3})?[\d -]{6,20}$",
        r"^https?://.{1,200}$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"\d{4}-\d{2}-\d{2}",
        r"^(?:[a-z]{1,20} ){1,20}$",
        r"^([a-z0-9]+(-[a-z0-9]+)*)$",
        "a long text of plain letters, of which one is meant",
        ".+@.+",
        "(((",
        "x{",
        "",
    ],
)
def test_usual_patterns_are_plain(pattern: str) -> None:
    assert cost_of_pattern(pattern).per_character == 1


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b[ab]*?a.{900}[^ab!]",
        r"((a|ab){20}b?){20}!",
        r"(?:a{30}){30}b",
        r"^(?:a|b{40}|ab{40})*$",
        r"^[ab]{0,300}a[ab]{300}$",
        r"^[ab]*a[ab]{40}$",
        "[ab]*a" + "[ab]" * (FEW_PLACES + 4) + "c",
        "(" * 90 + "[ab]{40}" + ")" * 90,
    ],
)
def test_counts_behind_free_parts_are_dear(pattern: str) -> None:
    assert cost_of_pattern(pattern).per_character > 1_000


def test_what_begins_at_the_start_reads_no_more_than_it_can_match() -> None:
    assert cost_of_pattern(f"^{UUID}$").of_text(1_000_000) == 37
    assert cost_of_pattern(UUID).of_text(1_000) == 1_000 * cost_of_pattern(UUID).per_character


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"pattern": HALF_DEAR}}},
        {"properties": {"x": {"anyOf": [{"pattern": HALF_DEAR}, {"minLength": 9}]}}},
        {"properties": {"x": {"$ref": "#/$defs/t"}}, "$defs": {"t": {"pattern": HALF_DEAR}}},
        {"additionalProperties": {"not": {"pattern": HALF_DEAR}}},
        {"properties": {"x": {"if": {"pattern": HALF_DEAR}, "then": False}}},
    ],
)
def test_a_dear_pattern_judges_short_texts_and_refuses_long_ones(schema: dict[str, Any]) -> None:
    check = SchemaCheck(schema)
    assert TOO_MUCH not in [m.sentence for m in check.misfits({"x": "ab" * 100})]
    assert [m.sentence for m in check.misfits({"x": "ab" * 50_000})] == [TOO_MUCH]


def test_names_are_text_too() -> None:
    for schema in (
        {"propertyNames": {"pattern": HALF_DEAR}},
        {"patternProperties": {HALF_DEAR: True}},
    ):
        check = SchemaCheck(schema)
        assert [m.sentence for m in check.misfits({"ab" * 50_000: 1})] == [TOO_MUCH]


def test_a_long_text_that_the_pattern_does_not_judge_does_not_count() -> None:
    text = {"type": "string"}
    check = SchemaCheck({"properties": {"id": {"pattern": UUID}, "text": text}})
    found = check.misfits({"id": "01234567-0123-0123-0123-0123456789ab", "text": "ab" * 400_000})
    assert found == []


def test_finding_out_the_cost_ends_itself() -> None:
    schema = {"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}
    assert text_cost(schema, [[1] * 100] * 10, MAX_UNITS) == 0
    assert text_cost(schema, [[1] * 1_000] * 100, MAX_UNITS) is None


def test_what_no_usual_text_could_be_held_against_is_not_published() -> None:
    def problems(pattern: str) -> list[str]:
        report = Report()
        check_schema({"properties": {"x": {"pattern": pattern}}}, "/s", report)
        return [f"{problem.path} {problem.message}" for problem in report.problems()]

    [problem] = problems(r"\b[ab]*?a.{900}[^ab!]")
    assert problem.startswith("/s/properties/x/pattern This pattern would take too long")
    assert problems(r"(?:(?:[ab]{1,9}){1,9}){1,9}c")
    assert problems(HALF_DEAR) == []
    assert problems(r"^.{900}$") == []


@pytest.mark.parametrize(
    ("divisor", "number", "most"),
    [
        (10, 20, 50_000),
        (0.01, 2.5, 10_000),
        (1e-300, 1.5, 100),
        (0.3, 1e-300, 100),
        (3, 3e300, 500),
    ],
)
def test_exact_division_counts_by_its_digits(divisor: float, number: float, most: int) -> None:
    check = SchemaCheck({"items": {"not": {"not": {"multipleOf": divisor}}}})
    assert TOO_MUCH not in [m.sentence for m in check.misfits([number] * most)]
    assert [m.sentence for m in check.misfits([number] * (10 * most))] == [TOO_MUCH]
