"""The JSON in what a model wrote: what stands around it and small slips do no harm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from designs.strict_json import read_strict_json

MAX_FENCES = 5
MAX_OBJECTS = 20
# Longer texts are read as they are.
MAX_MENDED_CHARACTERS = 200_000

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
_QUOTES = re.compile(r"\\(.)|\"", re.DOTALL)


def json_values(text: str) -> Iterator[Any]:
    """Each value that may be meant, the likeliest first: strict JSON that can be stored.

    What many models write around it is taken off: a fence with any label, words before and behind,
    a list of one, text around the whole. Read as they are meant are commas too many, single quotes,
    line ends inside of texts, comments, and Python's names of values. Nothing else is guessed.
    Raises ValueError at the end if there was none.
    """
    text = text.strip().lstrip("\ufeff").strip()
    failure: ValueError | None = None
    found = False
    for candidate in _readings(text):
        try:
            value = read_strict_json(candidate)
        except ValueError as error:
            failure = failure or error
            continue
        found = True
        yield value
        yield from _inside(value)
    if not found:
        raise failure or ValueError("It is empty.")


def _readings(text: str) -> Iterator[str]:
    yield from _candidates(text)
    objects = list(islice(_objects(text), MAX_OBJECTS))
    if len(objects) == 1:
        # Which one of several is meant, nobody knows.
        yield objects[0]
    if len(text) <= MAX_MENDED_CHARACTERS:
        for candidate in [*_candidates(text), *objects[:1]]:
            mended = _SLIPS.sub(_mended, candidate)
            if mended != candidate:
                yield mended


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
            if depth == 0 and _is_json(text[start : token.end()]):
                yield text[start : token.end()]


def _is_json(text: str) -> bool:
    try:
        read_strict_json(text)
    except ValueError:
        return False
    return True


def _inside(value: Any) -> Iterator[Any]:
    """What a value that is only a shell holds: a list of one, JSON as a text."""
    if isinstance(value, list) and len(value) == 1:
        yield value[0]
    elif isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            yield read_strict_json(value)
        except ValueError:
            return


def _mended(slip: re.Match[str]) -> str:
    if slip["text"] or slip["single"]:
        words = slip[0][1:-1]
        if slip["single"]:
            words = _QUOTES.sub(_in_double_quotes, words)
        return f'"{_CONTROL.sub(_escaped, words)}"'
    return _WORDS.get(slip["word"] or "", "")


def _in_double_quotes(found: re.Match[str]) -> str:
    if found[0] == '"':
        return '\\"'
    return "'" if found[1] == "'" else found[0]


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
