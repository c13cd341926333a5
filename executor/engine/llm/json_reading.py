"""Finds the JSON in a model's text, despite words around it and small mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from designs.strict_json import read_strict_json

MAX_FENCES = 5
MAX_OBJECTS = 20
# Longer texts are not corrected.
MAX_CORRECTED_CHARACTERS = 200_000

_FENCE = re.compile(r"```[^\n`{\[]*\n?(.*?)```", re.DOTALL)
_BRACES = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}]', re.DOTALL)
_SLIPS = re.compile(
    r"""
    (?P<text>"(?:[^"\\]++|\\.)*+")
    | (?P<single>'(?:[^'\\]++|\\.)*+')
    | (?P<comment>//[^\n]*)
    | (?P<comma>,(?=(?:\s|//[^\n]*+)*+[}\]]))
    | \b(?P<word>None|True|False)\b
    """,
    re.DOTALL | re.VERBOSE,
)
_WORDS = {"None": "null", "True": "true", "False": "false"}
_CONTROL = re.compile(r"[\x00-\x1f]")
_QUOTES = re.compile(r"\\.|\"", re.DOTALL)
# From a single-quoted string to a double-quoted one.
_REQUOTED = {'"': '\\"', "\\'": "'"}


def json_values(text: str) -> Iterator[Any]:
    """Each value that may be meant, the likeliest first: strict JSON that can be stored.

    Ignored around it: a fence with any label, words before and after, a list of one, a string
    around the whole. Corrected inside: trailing commas, single quotes, line ends in strings,
    comments, and Python's names of values. Nothing else is guessed. Raises ValueError at the end if
    there was no value.
    """
    text = text.strip().lstrip("\ufeff").strip()
    failure: ValueError | None = None
    is_empty = True
    for candidate in _readings(text):
        try:
            value = read_strict_json(candidate)
        except ValueError as error:
            failure = failure or error
            continue
        is_empty = False
        yield value
        if isinstance(value, list) and len(value) == 1:
            yield value[0]
        elif isinstance(value, str) and value.lstrip().startswith("{"):
            with suppress(ValueError):
                yield read_strict_json(value)
    if is_empty:
        raise failure or ValueError("It is empty.")


def _readings(text: str) -> Iterator[str]:
    yield from _candidates(text)
    objects = list(islice(_objects(text), MAX_OBJECTS))
    if len(objects) == 1:
        # Of several it is unknown which one is meant.
        yield objects[0]
    if len(text) <= MAX_CORRECTED_CHARACTERS:
        for candidate in [*_candidates(text), *objects[:1]]:
            corrected = _SLIPS.sub(_corrected, candidate)
            if corrected != candidate:
                yield corrected


def _candidates(text: str) -> Iterator[str]:
    yield text
    for fence in islice(_FENCE.finditer(text), MAX_FENCES):
        yield fence[1].strip()
    first, last = text.find("{"), text.rfind("}")
    if 0 <= first < last:
        yield text[first : last + 1]


def _objects(text: str) -> Iterator[str]:
    """The outermost pairs of braces that hold strict JSON."""
    depth = start = 0
    for token in _BRACES.finditer(text):
        if token[0] == "{":
            start = token.start() if depth == 0 else start
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
            if depth == 0:
                candidate = text[start : token.end()]
                try:
                    read_strict_json(candidate)
                except ValueError:
                    continue
                yield candidate


def _corrected(slip: re.Match[str]) -> str:
    if not (slip["text"] or slip["single"]):
        return _WORDS.get(slip["word"] or "", "")
    words = slip[0][1:-1]
    if slip["single"]:
        words = _QUOTES.sub(lambda quote: _REQUOTED.get(quote[0], quote[0]), words)
    return f'"{_CONTROL.sub(lambda control: json.dumps(control[0])[1:-1], words)}"'
