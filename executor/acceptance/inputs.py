"""Judges an input by the input schema of the document that it is for."""

from __future__ import annotations

from typing import Any

from designs.graph.schema_check import SchemaCheck
from executor.engine.json_text import json_bytes
from executor.errors import InputInvalid, InputTooLarge


def input_validator(document: dict[str, Any]) -> SchemaCheck | None:
    """What `check_input` takes, for a document without problems; None if any object will do."""
    schema = document.get("input_schema")
    return None if schema is None else SchemaCheck(schema)


def check_size(input_data: dict[str, Any], most: int | None) -> None:
    """Raises InputTooLarge if the input, as JSON, has more bytes than `most` (None: no limit)."""
    if most is None:
        return
    size = len(json_bytes(input_data))
    if size > most:
        raise InputTooLarge(f"The input has {size:,} bytes; this deployment takes {most:,}.")


def check_input(check: SchemaCheck | None, input_data: dict[str, Any]) -> None:
    """Raises InputInvalid with a sentence for each field that does not fit, up to 50 of them."""
    errors: dict[str, list[str]] = {}
    for misfit in () if check is None else check.misfits(input_data):
        path = "/".join(["input_data", *(str(part) for part in misfit.place)])
        errors.setdefault(path, []).append(misfit.sentence)
    if errors:
        raise InputInvalid(errors)
