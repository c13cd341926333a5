"""OpenAPI documents that grow: by references to long parts of themselves."""

from __future__ import annotations

from typing import Any

import orjson

from executor.tool_connections.openapi import MAX_DOCUMENT_BYTES, read_operations
from executor.tool_connections.tool_texts import MAX_SCHEMA_BYTES


def document(long: dict[str, Any], operations: int) -> dict[str, Any]:
    """Each operation refers a hundred times to the long schema."""
    schema = {"properties": {f"p{n}": {"$ref": "#/components/schemas/Long"} for n in range(100)}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Wide"}}}}
    return {
        "openapi": "3.1.0",
        "paths": {f"/p{n}": {"post": {"requestBody": body}} for n in range(operations)},
        "components": {"schemas": {"Long": long, "Wide": schema}},
    }


def test_long_texts_that_are_referred_to_often_do_not_multiply() -> None:
    long: tuple[dict[str, Any], ...] = (
        {"type": "string", "description": "x" * 500_000},
        {"enum": ["x" * 1_000] * 500},
        {"type": "string", "default": {"a": ["x" * 1_000] * 500}},
    )
    for schema in long:
        written = document(schema, 5)
        assert len(orjson.dumps(written)) < MAX_DOCUMENT_BYTES
        for operation in read_operations(written):
            assert len(orjson.dumps(operation.input_schema)) <= MAX_SCHEMA_BYTES
            assert operation.input_schema["type"] == "object"


def test_a_long_text_leaves_room_for_the_rest() -> None:
    long = {"type": "string", "description": "x" * 500_000}
    (operation,) = read_operations(document(long, 1))
    parts = operation.input_schema["properties"]["body"]["properties"]
    assert parts == {f"p{number}": {"type": "string"} for number in range(100)}
