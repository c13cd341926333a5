"""Validates inputs against the input schema of a document."""

from __future__ import annotations

from typing import Any

from designs.graph.schema_check import SchemaCheck
from executor.engine.json_text import json_bytes
from executor.errors import InputInvalid, InputTooLarge


def input_validator(document: dict[str, Any]) -> SchemaCheck | None:
    """A validator for `check_input`, of a checked document; None if any object is valid."""
    schema = document.get("input_schema")
    return None if schema is None else SchemaCheck(schema)


def check_size(input_data: dict[str, Any], max_bytes: int | None) -> None:
    """Raises InputTooLarge if the input, as JSON, has more bytes than that (None: no limit)."""
    if max_bytes is None:
        return
    size = len(json_bytes(input_data))
    if size > max_bytes:
        raise InputTooLarge(f"The input has {size:,} bytes; this deployment takes {max_bytes:,}.")


def check_input(validator: SchemaCheck | None, input_data: dict[str, Any]) -> None:
    """Raises InputInvalid with a sentence for each invalid field, up to 50 of them."""
    errors: dict[str, list[str]] = {}
    for misfit in () if validator is None else validator.misfits(input_data):
        path = "/".join(["input_data", *(str(part) for part in misfit.place)])
        errors.setdefault(path, []).append(misfit.sentence)
    if errors:
        raise InputInvalid(errors)
