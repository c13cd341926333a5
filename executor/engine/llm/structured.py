"""Parses answers that must fit a JSON Schema, and refuses others with the reason."""

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
# Of a text that is not JSON, in the error.
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
    """The value in the answer's text. Raises ModelError(CONTENT) with the problems, and the answer
    as `spent`.
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
    """The JSON value in a refused answer, which need not fit; None if there is none."""
    try:
        return next(json_values(answer.text))
    except ValueError:
        return None


def problems(value: Any, schema: dict[str, Any]) -> list[str]:
    """The misfits as short phrases with places. Raises SchemaUnusable."""
    phrases: list[str] = []
    for misfit in _check(json_bytes(schema)).misfits(value, MAX_PROBLEMS):
        place = "/".join(str(step) for step in misfit.place)
        sentence = misfit.sentence.rstrip(".")
        phrases.append(f"at {place}: {sentence}" if place else sentence)
    return phrases


def beginning(text: str) -> str:
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
