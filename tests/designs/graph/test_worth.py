"""What texts of a draft are worth: values, cut ones, wrong ones, and dear ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from designs.graph import worth
from designs.graph.worth import MAX_SHOWN, MAX_SHOWN_INSIDE, Appraisal, draft_layout, reads_of
from tests.designs.graph.test_expression_cost import SCOPE, STOPPED
from tests.graphs import chain, design, link, transform

NAMES: dict[str, Any] = {
    "input": {"name": "Ada", "list": [1, 2], "none": None, "long": "ab" * 40_000},
    "blocks": {"a": {"output": {"text": "𝄞 and more", "big": ["x" * 10] * 1_000}}},
    "execution": {},
    "incoming": None,
}


def template(text: str) -> dict[str, Any]:
    return Appraisal().of_template(text, NAMES)


def expression(text: str) -> dict[str, Any]:
    return Appraisal().of_expression(text, NAMES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("input.name", "Ada"),
        ("input.list", [1, 2]),
        ("input.none", None),
        ("input.missing", None),
        ("length(input.list) > `1`", True),
        ("blocks.a.output.text", "𝄞 and more"),
        ("`1.5`", 1.5),
    ],
)
def test_an_expression_has_its_value(text: str, value: Any) -> None:
    assert expression(text) == {"value": value, "cut": False}


def test_a_template_is_rendered_with_each_of_its_placeholders() -> None:
    text = "Dear {{ input.name }}, {{ input.list }} \\{{ no }}"
    assert template(text) == {
        "value": "Dear Ada, [1,2] {{ no }}",
        "cut": False,
        "placeholders": [
            {"start": 5, "end": 21, "value": "Ada", "cut": False},
            {"start": 23, "end": 39, "value": [1, 2], "cut": False},
        ],
    }
    assert text[5:21] == "{{ input.name }}"
    assert text[23:39] == "{{ input.list }}"


def test_a_template_of_one_expression_keeps_its_type() -> None:
    assert template("{{ input.list }}")["value"] == [1, 2]
    assert template("{{input.list}} ")["value"] == "[1,2] "
    assert template("nothing in it") == {"value": "nothing in it", "cut": False, "placeholders": []}
    assert template("") == {"value": "", "cut": False, "placeholders": []}


def test_places_count_as_scripts_do() -> None:
    text = "𝄞é {{ input.name }} 𝄞𝄞{{ input.none || 'x' }}"
    first, second = template(text)["placeholders"]
    units = text.encode("utf-16-le")
    for place, said in ((first, "{{ input.name }}"), (second, "{{ input.none || 'x' }}")):
        part = units[2 * place["start"] : 2 * place["end"]]
        assert part.decode("utf-16-le") == said


def test_each_wrong_placeholder_says_what_is_wrong() -> None:
    said = template("{{ input.name }} {{ input.nmae }} {{ sum('x') }}")
    good, missing, wrong = said["placeholders"]
    assert good["value"] == "Ada"
    assert "has no value here" in missing["error"]
    assert "sum" in wrong["error"]
    assert said["error"] == missing["error"]
    assert "value" not in said


@pytest.mark.parametrize("text", ["{{ input.name", "{{ }}", "{{ input. }}", "{{ a b }}", "{{{{}}"])
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    assert set(template(text)) == {"error"}


@pytest.mark.parametrize("text", ["", "input.", "((((", "x" * 3_000, "[?" * 900, "!input.name.x"])
def test_an_expression_that_cannot_be_read_is_an_error(text: str) -> None:
    assert set(expression(text)) == {"error"}


def test_long_values_are_cut() -> None:
    for text in ("input.long", "blocks.a.output.big", "input"):
        said = expression(text)
        assert said["cut"] is True
        assert len(said["value"]) == MAX_SHOWN
    assert expression("blocks.a.output.big")["value"].startswith('["xxxxxxxxxx","x')
    said = template("{{ input.long }} and {{ blocks.a.output.big }}")
    assert (said["cut"], len(said["value"])) == (True, MAX_SHOWN)
    assert [len(one["value"]) for one in said["placeholders"]] == [MAX_SHOWN_INSIDE] * 2
    assert len(json.dumps(template("{{ input.long }}" * 200))) < 100_000


@pytest.mark.parametrize("name", STOPPED)
def test_dear_ones_are_stopped_and_cost_the_others_too(name: str) -> None:
    appraisal = Appraisal()
    first = appraisal.of_expression(STOPPED[name], SCOPE)
    assert " was stopped: it " in first["error"]
    # One budget for all: no such text can be asked for again and again.
    again = appraisal.of_template(f"{{{{ {STOPPED[name]} }}}}", SCOPE)
    assert " was stopped: it " in again["error"]


def test_many_expressions_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worth, "MAX_EXPRESSIONS", 3)
    appraisal = Appraisal()
    said = appraisal.of_template("{{ input.name }}" * 5, NAMES)
    assert ["error" in one for one in said["placeholders"]] == [False] * 3 + [True] * 2
    assert "Ask for fewer" in appraisal.of_expression("input.name", NAMES)["error"]


def test_a_draft_with_problems_has_a_layout() -> None:
    raw = design(
        [transform("a"), transform("b", "blocks.a.output.("), {"id": "Bad!"}, 7],
        [*chain("a", "b"), link("b", "nowhere"), link("Bad!", "b"), "x"],
    )
    layout = draft_layout(raw)
    assert list(layout.blocks) == ["a", "b"]
    assert layout.above == {"a": frozenset(), "b": frozenset({"a"})}
    circle = design([transform("a"), transform("b")], [link("a", "b"), link("b", "a")])
    assert draft_layout(circle).above is None
    for hostile in (None, 7, [], {}, {"blocks": 1}, {"blocks": [[]], "connections": {}}, {1: 2}):
        assert draft_layout(hostile).blocks == {}


def test_what_a_text_reads() -> None:
    assert reads_of("{{ input.a }}", is_template=True).reads("input")
    assert reads_of("incoming", is_template=False).reads("incoming")
    assert reads_of("{{ input.", is_template=True).nothing
