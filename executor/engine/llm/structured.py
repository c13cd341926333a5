"""Answers that must fit a JSON Schema: parsed, checked, and refused with the reason."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jsonschema_rs

from designs.graph.schema_check import SchemaCheck
from executor.engine.json_text import json_bytes
from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError
from executor.engine.llm.json_reading import json_values

MAX_PROBLEMS = 3
# So much of what is no JSON is quoted.
BEGINNING_CHARACTERS = 60


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
    first: list[str] = []
    try:
        for value in json_values(answer.text):
            wrong = problems(value, schema)
            if not wrong:
                return value
            first = first or wrong
    except ValueError as error:
        sentence = f"the answer could not be read as JSON ({beginning(answer.text)}): {error}"
        raise ModelError(ErrorKind.CONTENT, sentence, spent=answer) from error
    raise ModelError(ErrorKind.CONTENT, f"{'; '.join(first)}.", spent=answer)


def readable_value(answer: ModelAnswer) -> Any:
    """What JSON a refused answer is, though it does not fit; None if it is none."""
    try:
        return next(json_values(answer.text))
    except ValueError:
        return None


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """What does not fit, as short phrases with places; empty if all fits. Raises SchemaUnusable."""
    check = _check(json_bytes(schema))
    found: list[str] = []
    for misfit in check.misfits(value, MAX_PROBLEMS):
        place = "/".join(str(step) for step in misfit.place)
        sentence = misfit.sentence.rstrip(".")
        found.append(f"at {place}: {sentence}" if place else sentence)
    return found


def beginning(text: str) -> str:
    """How a text begins, in words that stand in brackets."""
    words = " ".join(text[: 4 * BEGINNING_CHARACTERS].split())
    if not words:
        return "it is empty"
    mark = "…" if len(words) > BEGINNING_CHARACTERS else ""
    return f'it begins with "{words[:BEGINNING_CHARACTERS]}{mark}"'


@lru_cache(maxsize=512)
def _check(schema: bytes) -> SchemaCheck:
    try:
        return SchemaCheck(json.loads(schema))
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaUnusable(str(error).partition("\n")[0]) from error
