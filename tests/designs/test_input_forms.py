"""A form made from a JSON Schema and JSON are two ways to write one value."""

from __future__ import annotations

import json

from designs.input_forms import InputForm
from designs.input_forms.controls import Control
from tests.designs.input_fields import SCHEMA, VALUE, fields_of, posted


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
