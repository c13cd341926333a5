"""A form made from a JSON Schema and JSON are two ways to write one value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from designs.input_forms import InputForm
from designs.input_forms.controls import MAX_CONTROLS, Control

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["message", "tags"],
    "properties": {
        "message": {"type": "string", "description": "What they wrote."},
        "customer": {"type": "string", "maxLength": 40, "title": "Customer number"},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
        "desk": {"enum": ["billing", "technical"]},
        "country": {"enum": ["at", "be", "ch", "de", "es", "fr"]},
        "urgent": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {
            "type": "object",
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "maxLength": 80},
                "zip": {"$ref": "#/$defs/zip"},
            },
        },
        "note": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
        "anything": True,
    },
    "$defs": {"zip": {"type": "string", "maxLength": 10}},
}  # fmt: skip
VALUE = {"message": "Hello\nyou", "tags": ["a", "b"], "left over": [1]}


def fields_of(form: InputForm) -> dict[str, str]:
    """What a browser would send."""
    sent = {f"{form.prefix}:mode": form.mode}
    if form.controls is None:
        return {**sent, form.prefix: form.text}
    sent[f"{form.prefix}:base"] = form.base
    for control in form._all():
        sent |= _sent(control)
    return sent


def _sent(control: Control) -> dict[str, str]:
    if control.kind == "check":
        return {control.name: "on"} if control.is_checked else {}
    if control.kind in ("radios", "select"):
        chosen = [option.key for option in control.options if option.is_chosen]
        return {control.name: chosen[0]} if chosen else {}
    is_field = control.kind not in ("group", "list")
    return {control.name: "\r\n".join(control.text.splitlines())} if is_field else {}


def posted(form: InputForm, **changes: str) -> InputForm:
    named = {f"{form.prefix}:{name.replace('__', '/')}": text for name, text in changes.items()}
    return InputForm.posted(form.schema, {**fields_of(form), **named}, example={"message": "E"})


def control(form: InputForm, path: str) -> Control:
    return next(one for one in form._all() if one.path == path)


def test_each_part_of_a_schema_has_its_control() -> None:
    form = InputForm(SCHEMA, VALUE)
    kinds = {one.path: one.kind for one in form._all()}
    assert kinds == {
        "/message": "long", "/customer": "text", "/priority": "number", "/desk": "radios",
        "/country": "select", "/urgent": "check", "/tags": "list", "/tags/0": "long",
        "/tags/1": "long", "/address": "group", "/address/city": "text", "/address/zip": "text",
        "/note": "text", "/anything": "json",
    }  # fmt: skip
    assert control(form, "/customer").label == "Customer number"
    assert control(form, "/priority").note == "1 to 5, optional"
    assert control(form, "/message").help == "What they wrote."


def test_what_is_sent_unchanged_is_the_value_as_it_was() -> None:
    form = posted(InputForm(SCHEMA, VALUE))
    assert form.value == VALUE
    assert not form.is_asking


def test_what_is_typed_becomes_values_of_the_schema_s_types() -> None:
    form = posted(
        InputForm(SCHEMA, VALUE),
        __message="Good\r\nday", __customer="C-1", __priority=" 3 ", __desk="1", __country="2",
        __urgent="on", __tags__1="z", __address__city="Ulm", __anything='{"a": [1.5]}',
    )  # fmt: skip
    assert form.value == {
        "message": "Good\nday", "tags": ["a", "z"], "left over": [1], "customer": "C-1",
        "priority": 3, "desk": "technical", "country": "ch", "urgent": True,
        "address": {"city": "Ulm"}, "anything": {"a": [1.5]},
    }  # fmt: skip


def test_what_is_left_empty_is_left_out() -> None:
    full = {**VALUE, "customer": "C-1", "priority": 2, "urgent": True, "anything": [1]}
    sent = fields_of(InputForm(SCHEMA, full))
    del sent["input_data:/urgent"]
    for name in ("message", "customer", "priority", "anything"):
        sent[f"input_data:/{name}"] = ""
    expected = {"tags": ["a", "b"], "left over": [1], "urgent": False}
    assert InputForm.posted(SCHEMA, sent).value == expected


def test_a_number_that_is_none_stays_as_it_was_typed() -> None:
    form = posted(InputForm(SCHEMA, VALUE), __priority="many")
    assert form.value is not None
    assert form.value["priority"] == "many"
    form.show_errors({"input_data/priority": ["This must be a whole number, not text."]})
    assert control(form, "/priority").text == "many"
    assert control(form, "/priority").errors


def test_rows_are_added_and_removed_without_doing_anything_else() -> None:
    form = posted(InputForm(SCHEMA, VALUE), do="add /tags")
    assert form.is_asking
    assert form.value is not None
    assert form.value["tags"] == ["a", "b", ""]
    assert control(form, "/tags/2").is_focused
    fewer = posted(form, do="remove /tags/0")
    assert fewer.value is not None
    assert fewer.value["tags"] == ["b", ""]


def test_form_and_json_are_one_value() -> None:
    as_json = posted(InputForm(SCHEMA, VALUE), __customer="C-9", do="json")
    assert as_json.mode == "json"
    assert json.loads(as_json.text) == {**VALUE, "customer": "C-9"}
    assert posted(as_json, do="form").value == {**VALUE, "customer": "C-9"}


def test_text_that_is_no_json_is_never_lost() -> None:
    sent = {"input_data:mode": "json", "input_data": '{"message": ', "input_data:do": "form"}
    form = InputForm.posted(SCHEMA, sent)
    assert form.mode == "json"
    assert form.text == '{"message": '
    assert "not JSON" in form.errors[0]
    inside = posted(InputForm(SCHEMA, VALUE), __anything="{", do="json")
    assert inside.mode == "form"
    assert control(inside, "/anything").text == "{"
    assert not inside.is_readable


def test_the_example_fills_in() -> None:
    form = posted(InputForm(SCHEMA, VALUE), do="example")
    assert form.value == {"message": "E"}


def test_a_missing_field_is_said_at_the_field() -> None:
    form = InputForm(SCHEMA, {})
    form.show_errors({"input_data": ['"message" is a required property. Add it.']})
    assert control(form, "/message").errors == ["This is required."]
    assert form.error_count == 1
    form.show_errors({"input_data/address/street/0": ["No."], "input_data/other": ["Why?"]})
    assert control(form, "/address").errors == ["street/0: No."]
    assert form.errors == ["other: Why?"]


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
