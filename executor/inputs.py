"""Judges an input by the input schema of the document that it is for."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import orjson

from designs.graph.schemas import compile_schema
from executor.errors import InputInvalid, InputTooLarge

MOST_ERRORS = 50


def input_validator(document: dict[str, Any]) -> jsonschema_rs.Validator | None:
    """What `check_input` takes, for a document without problems; None if any object will do."""
    schema = document.get("input_schema")
    return None if schema is None else compile_schema(schema)


def check_size(input_data: dict[str, Any], most: int | None) -> None:
    """Raises InputTooLarge if the input, as JSON, has more bytes than `most` (None: no limit)."""
    if most is None:
        return
    size = len(orjson.dumps(input_data))
    if size > most:
        raise InputTooLarge(f"The input has {size:,} bytes; this deployment takes {most:,}.")


def check_input(validator: jsonschema_rs.Validator | None, input_data: dict[str, Any]) -> None:
    """Raises InputInvalid with a sentence for each field that does not fit, up to 50 of them."""
    if validator is None or validator.is_valid(input_data):
        return
    errors: dict[str, list[str]] = {}
    for number, error in enumerate(validator.iter_errors(input_data)):
        if number >= MOST_ERRORS:
            break
        path = "/".join(["input_data", *(str(part) for part in error.instance_path)])
        errors.setdefault(path, []).append(str(error.message))
    raise InputInvalid(errors)
