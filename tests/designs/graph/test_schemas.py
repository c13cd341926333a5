"""JSON Schemas of a design: what is accepted, what is refused, and that nothing is fetched."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.report import Report
from designs.graph.schemas import check_schema, compile_schema
from tests.graphs import design, examples, only_problem, problems, transform

Schema = dict[str, Any]


def found(schema: Schema) -> list[tuple[str, str]]:
    report = Report()
    check_schema(schema, "", report)
    return [(problem.path, problem.message) for problem in report.problems()]


def test_good_schemas() -> None:
    address = {"type": "object", "properties": {"street": {"type": "string", "maxLength": 80}}}
    for schema in (
        {},
        {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}, "required": ["n"]},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "enum": [1, "a", None]},
        {"$defs": {"a": address}, "properties": {"x": {"$ref": "#/$defs/a"}}},
        {"type": "array", "items": {"$ref": "#"}},
        {"properties": {"$ref": {"type": "string"}, "pattern": {"type": "number"}}},
        {"const": {"$ref": "http://example.com"}, "default": {"pattern": "("}},
        {"type": "string", "pattern": "^[a-z]{1,20}$", "format": "email"},
    ):
        assert found(schema) == []
        assert compile_schema(schema)


def test_both_schemas_of_a_document_are_checked() -> None:
    bad = {"type": "objekt"}
    raw = design([transform("a")], input_schema=bad, output_schema={"properties": {"x": bad}})
    assert [path for path, _ in problems(raw)] == [
        "/input_schema/type", "/output_schema/properties/x/type",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "reference",
    [
        "http://127.0.0.1:9/x", "https://example.com/schema.json", "file:///etc/passwd",
        "other.json",
        "#/$defs/missing", "#anchor", "", "urn:x", "//example.com/x", "#/%24defs/a",
        "json-schema:///x", "https://json-schema.org/draft/2020-12/schema",
    ],
)  # fmt: skip
def test_references_to_elsewhere(reference: str) -> None:
    path, message = only_problem(
        design([transform("a")], input_schema={"properties": {"x": {"$ref": reference}}})
    )
    assert path == "/input_schema/properties/x/$ref"
    assert message.startswith("This reference leads nowhere. Point to a part of this schema")


@pytest.mark.parametrize(
    "key", ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef"]
)
def test_keys_that_give_references_another_meaning(key: str) -> None:
    assert (f"/{key}", f"`{key}` cannot be used here. Use `$ref` with `#/…`.") in found(
        {key: "#/x", "properties": {}}
    )


def test_nothing_is_fetched(tmp_path: Path) -> None:
    calls: list[str] = []

    class Trap(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/schema.json"
    file = tmp_path / "schema.json"
    file.write_text('{"type": "string"}')
    try:
        for target in (url, file.as_uri()):
            for schema in (
                {"$ref": target}, {"$schema": target}, {"$dynamicRef": target},
                {"$id": target, "$ref": "x"}, {"$id": url, "properties": {"a": {"$ref": "b"}}},
            ):  # fmt: skip
                assert found(schema)
                with pytest.raises((ValueError, jsonschema_rs.ReferencingError)):
                    compile_schema(schema)
    finally:
        server.shutdown()
        server.server_close()
    assert calls == []


@pytest.mark.parametrize(
    ("schema", "path", "sentence"),
    [
        ({"type": "text"}, "/type", "`type` is one of array, boolean, integer, null, number"),
        ({"required": "x"}, "/required", "This is not JSON Schema"),
        ({"minimum": "1"}, "/minimum", "This is not JSON Schema"),
        ({"properties": []}, "/properties", "This is not JSON Schema"),
        ({"properties": {"a": 5}}, "/properties/a", "This is not JSON Schema"),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#"},
            "/$schema",
            "Only JSON Schema 2020",
        ),
        ({"pattern": "a" * 201}, "/pattern", "A pattern may have at most 200 characters."),
        ({"patternProperties": {"a" * 201: {}}}, "/patternProperties", "at most 200 characters."),
        ({"pattern": "("}, "/pattern", "This is not"),
        ({"pattern": "(?=a)b"}, "/pattern", "Look-ahead, look-behind and back references"),
        ({"pattern": r"(a)\1"}, "/pattern", "Look-ahead, look-behind and back references"),
    ],
)
def test_what_is_no_schema(schema: Schema, path: str, sentence: str) -> None:
    places = found(schema)
    assert path in [place for place, _ in places]
    assert any(sentence in message for _, message in places), places


keys = st.sampled_from(
    ["type", "properties", "items", "$ref", "$defs", "allOf", "enum", "pattern", "required",
     "const", "minimum", "additionalProperties",
     "if", "not", "prefixItems", "format", "$schema", "a"]
)  # fmt: skip
leaves = (
    st.none() | st.booleans() | st.integers(-3, 3)
    | st.sampled_from(["object", "string", "#", "#/$defs/a", "x", "(", "http://127.0.0.1:9/x"])
)  # fmt: skip
schemas = st.dictionaries(
    keys,
    st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)


@examples(300)
@given(schemas)
def test_what_is_accepted_compiles_and_can_be_used(schema: Schema) -> None:
    if not found(schema):
        validator = compile_schema(schema)
        for value in ({"a": 1}, [1, "x"], "text", None):
            list(validator.iter_errors(value))
