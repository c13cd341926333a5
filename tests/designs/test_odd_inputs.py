"""Hostile schemas, values and answers of a form are shown again, and never break it."""

from __future__ import annotations

from typing import Any

import pytest

from designs.input_forms import InputForm
from designs.input_forms.controls import MAX_CONTROLS
from tests.designs.input_fields import SCHEMA, posted

WIDE = {"properties": {f"p{n}": {"type": "string"} for n in range(150)}}


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        {},
        {"type": "object"},
        {"properties": {"a": {"$ref": "#/properties/a"}}},
        {"properties": {"a": {"$ref": "#/nowhere"}, "b": {"type": ["string", "integer"]}}},
        {"properties": {"a": {"$ref": "#"}}},
        {"properties": {"a": {"properties": {"b": {"$ref": "#/properties/a"}}}}},
        {"properties": {"x": WIDE, "y": WIDE}},
        {"properties": {"a": {"type": "array", "items": {"type": "string"}}}},
        {"properties": {"a": {"enum": list(range(3_000))}, "": {"const": None}, "/~ \n": {}}},
        {"properties": {"a": {"minimum": 1e308, "type": "number", "examples": [[1]]}}},
        {"properties": {"a": {"type": "string", "pattern": "^(a+)+$", "format": "date"}}},
        {"properties": {"a": {"anyOf": [{"anyOf": [{"type": "null"}]}, {"type": "null"}]}}},
    ],
)
@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": None, "": [], "x": 1},
        {"a": ["x"] * (MAX_CONTROLS + 1)},
        {"a": {"b": {"b": {"b": {"b": {"b": {"b": {"b": 1}}}}}}}},
        {"a": "a" * 30_000 + "!\r\n<script>"},
    ],
)
def test_odd_schemas_and_values_make_a_form_that_gives_the_value_back(
    schema: Any, value: Any
) -> None:
    form = InputForm(schema, value)
    assert sum(1 for _ in form._all()) <= MAX_CONTROLS
    assert posted(form).value == value


@pytest.mark.parametrize(
    "sent",
    [
        {"input_data:mode": "form", "input_data:base": "{", "input_data:do": "add /tags"},
        {"input_data:mode": "form", "input_data:base": "[]"},
        {"input_data:mode": "odd", "input_data": "\0"},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:do": "remove /tags/7"},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:do": "add /message"},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:/message": "a\0b"},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:/desk": "99"},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:/priority": "9" * 500},
        {"input_data:mode": "form", "input_data:base": "{}", "input_data:/anything": "[" * 9_000},
        {"input_data": "[" * 100_000},
    ],
)
def test_odd_answers_never_break_the_form(sent: dict[str, str]) -> None:
    form = InputForm.posted(SCHEMA, sent)
    assert form.mode in ("form", "json")
    form.show_errors({"input_data//": ["x"], "": ["y"]})


def test_an_entry_is_added_inside_an_object_that_is_null() -> None:
    tags = {"type": "array", "items": {"type": "string"}}
    inner = {"type": ["object", "null"], "properties": {"tags": tags}}
    schema = {"properties": {"a": {"type": ["object", "null"], "properties": {"b": inner}}}}
    for base in ('{"a": null}', '{"a": {"b": null}}', "{}"):
        sent = {"input_data:mode": "form", "input_data:base": base}
        form = InputForm.posted(schema, {**sent, "input_data:do": "add /a/b/tags"})
        assert form.value == {"a": {"b": {"tags": [""]}}}
