"""The functions that shape data, and the page that shows each of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from designs.graph.expressions import Expression, ExpressionError
from designs.graph.library import FUNCTIONS
from designs.graph.reference import GROUPS, LANGUAGE, entries, table

ENTRIES = list(entries())
PAGE = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
SCOPE: dict[str, Any] = {
    "input": {
        "title": "A", "rows": [{"name": "x", "amount": 150, "price": 2, "count": 3}], "limit": 100,
        "price": 120, "width": 3, "height": 4, "ready": True, "approved": False,
        "due": "2026-01-01",
        "first name": "Ada",
    },
    "execution": {"started_at": "2026-03-01T09:30:00+00:00"},
}  # fmt: skip


def value(source: str, scope: Any = SCOPE) -> Any:
    return Expression.compile(source).evaluate(scope)


def error_of(source: str, scope: Any = SCOPE) -> str:
    with pytest.raises(ExpressionError) as caught:
        value(source, scope)
    return caught.value.message


def test_each_function_is_in_the_reference_once() -> None:
    assert sorted(entry.name for entry in ENTRIES) == sorted(FUNCTIONS)


@pytest.mark.parametrize(
    "entry", [*ENTRIES, *LANGUAGE["Reading"], *LANGUAGE["Computing"]], ids=lambda entry: entry.usage
)
def test_each_example_gives_what_it_says(entry: Any) -> None:
    found = value(entry.example)
    assert json.dumps(found, ensure_ascii=False, separators=(",", ":")) == entry.result


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_usage_has_the_arguments_that_the_function_takes(entry: Any) -> None:
    function = FUNCTIONS[entry.name]
    arguments = [found for found in entry.usage.split("(")[-1].rstrip(")").split(", ") if found]
    if "…" in arguments:
        assert function.variadic
        return
    assert len(arguments) == len(function.takes)
    if " or " not in entry.usage:
        assert sum(argument.endswith("?") for argument in arguments) == function.optional


@pytest.mark.parametrize("group", GROUPS)
def test_the_page_has_the_reference_as_it_is(group: str) -> None:
    assert f"### {group}\n\n" + "\n".join(table(group)) + "\n" in PAGE


def test_all_other_examples_on_the_page_can_be_evaluated() -> None:
    blocks = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    examples = [part for line in lines for part in re.split(r" {3,}", line)[:1]]
    cells = re.findall(r"^\| (`.+?`) \|", PAGE.split("## Arithmetic")[0], re.MULTILINE)
    for cell in cells:
        found = re.findall(r"`([^`]+)`", cell) if "``" not in cell else [cell.strip("` ")]
        examples += [code.replace("\\|", "|") for code in found]
    assert len(examples) > 15
    for example in examples:
        Expression.compile(example).evaluate(SCOPE)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("split('a--b-c', '-')", ["a", "", "b", "c"]),
        ("split('a-b-c', '-', 1)", ["a", "b-c"]),
        ("split('', ',')", [""]),
        ("split('abc', '')", ["a", "b", "c"]),
        ("split('abc', '', 1)", ["a", "bc"]),
        ("replace('aaa', 'a', 'b', 2)", "bba"),
        ("replace('ab', '', '-')", "-a-b-"),
        ("trim('\u00a0 a \n')", "a"),
        ("trim('xxxx', 'x')", ""),
        ("trim(' a ', '')", "a"),
        ("length(trim_left(pad_left('b', 600001, 'a'), 'a'))", 1),
        ("length(trim_right(pad_right('b', 600001, 'a'), 'a'))", 1),
        ("upper('straße')", "STRASSE"),
        ("lower('ΟΔΟΣ ΟΔΟΣ')", "οδος οδος"),
        ("find_last('abcabc', 'bc')", 4),
        ("find_last('abcabc', 'bc', 0, 5)", 1),
        ("find_first('abc', 'x')", None),
        ("find_first('abcabc', 'a', -3)", 3),
        ("find_first('', '')", None),
        ("substring('abc', 1, -1)", "b"),
        ("substring('abc', 5)", ""),
        ("pad_left('abcd', 2)", "abcd"),
        ("group_by(`[{\"k\": null}]`, &k)", {}),
        ("distinct(`[1, 1.0, true, \"1\", [1], [1.0], null, null]`)", [1, True, "1", [1], None]),
        ("zip([1, 2], [3, 4, 5])", [[1, 3], [2, 4]]),
        ("range(3)", [0, 1, 2]),
        ("range(3, 0, -1)", [3, 2, 1]),
        ("range(0)", []),
        ("round(-2.5)", -3),
        ("round(1234, -2)", 1200),
        ("round(1e300, 2)", 1e300),
        ("format_number(-0.001, 2)", "0.00"),
        ("format_number(1234567, 0, '', '.')", "1234567"),
        ("format_number(5e-324, 15)", "0.000000000000000"),
        ("length(format_number(1e308, 2))", 414),
        ("parse_json('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("base64_decode('8J-YgA')", "😀"),
        ("url_encode('ä&=')", "%C3%A4%26%3D"),
    ],
)  # fmt: skip
def test_what_functions_give(source: str, expected: Any) -> None:
    found = value(source)
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("split('a', ',', -1)", "split() needs a whole number from 0 to 10,000,000 there."),
        ("split('a')", "split() takes 2 or 3 arguments, not 1."),
        ("find_first('a')", "find_first() takes 2 to 4 arguments, not 1."),
        ("pad_left('a', 3, 'ab')", "pad_left() fills with one character, not with 2."),
        ("pad_left('a', 1e9)", "pad_left() needs a whole number from 0"),
        ("pad_left('a', 9000000)", "makes more than 4,000,000 characters of text."),
        ("from_items([1, 2])", "from_items() needs a list of lists, not a list of other things."),
        ("from_items([[1, 2]])", "from_items() needs pairs of a name (text) and a value."),
        ("group_by([1, 2], &@)", "group_by() needs text for each element. Use to_string()."),
        ("range(1, 2, 0)", "the step of range() cannot be 0."),
        ("range(1e15)", "makes more than 250,000 elements."),
        ("range(0.5)", "range() needs a whole number"),
        ("round(1.5, 99)", "round() needs a whole number from -15 to 15 there."),
        ("format_number(1, 2, 'xx')", "format_number() separates thousands by one character"),
        ("parse_json('{')", "parse_json() cannot read it. This is not JSON: "),
        ("parse_json('NaN')", "NaN is not a JSON number."),
        ("parse_json('1e999')", "The number 1e999 is too large."),
        ("parse_json('\"\\u0000\"')", "NUL character"),
        ("parse_json('\"\\ud800\"')", "half a surrogate pair"),
        ("base64_decode('AA==')", "base64_decode() found a NUL character, which cannot be stored."),
        ("base64_decode('/w==')", "base64_decode() needs Base64 of text in UTF-8."),
        ("base64_decode('ä')", "base64_decode() needs Base64 of text in UTF-8."),
        ("uper('a')", "there is no function uper(); similar: upper()"),
    ],
)
def test_what_they_refuse(source: str, sentence: str) -> None:
    assert sentence in error_of(source)
