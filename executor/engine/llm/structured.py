"""Answers that must fit a JSON Schema: parsed, checked, and refused with the reason."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from designs.graph.schema_check import SchemaCheck
from designs.strict_json import read_strict_json
from executor.engine.json_text import json_bytes
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError

MOST_PROBLEMS = 3


class SchemaUnusable(ValueError):
    """The schema itself is not valid, or points outside itself."""


def check_schema(schema: dict[str, Any]) -> None:
    """Raises ModelError(REQUEST) for a schema that cannot be used."""
    try:
        problems(None, schema)
    except SchemaUnusable as error:
        sentence = f"The schema of the answer cannot be used: {error}"
        raise ModelError(ErrorKind.REQUEST, sentence) from error


def parsed_value(answer: ModelAnswer, schema: dict[str, Any]) -> Any:
    """The answer's text as the value the schema asks for.

    Raises ModelError(CONTENT) that says what does not fit and has the answer as `spent`.
    """
    try:
        value = _json_value(answer.text)
    except ValueError as error:
        raise ModelError(ErrorKind.CONTENT, f"it cannot be read: {error}", spent=answer) from error
    wrong = problems(value, schema)
    if wrong:
        raise ModelError(ErrorKind.CONTENT, f"{'; '.join(wrong)}.", spent=answer)
    return value


def readable_value(answer: ModelAnswer) -> Any:
    """What JSON a refused answer is, though it does not fit; None if it is none."""
    try:
        return _json_value(answer.text)
    except ValueError:
        return None


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """What does not fit, as short phrases with places; empty if all fits. Raises SchemaUnusable."""
    check = _check(json_bytes(schema))
    found: list[str] = []
    for misfit in check.misfits(value, MOST_PROBLEMS):
        place = "/".join(str(step) for step in misfit.place)
        sentence = misfit.sentence.rstrip(".")
        found.append(f"at {place}: {sentence}" if place else sentence)
    return found


def _json_value(text: str) -> Any:
    """Strict JSON that can be stored; a fence around it, which many models add, is taken off."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        text = text[3:-3].removeprefix("json").strip()
    return read_strict_json(text)


@lru_cache(maxsize=512)
def _check(schema: bytes) -> SchemaCheck:
    try:
        return SchemaCheck(json.loads(schema))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaUnusable(str(error).partition("\n")[0]) from error
