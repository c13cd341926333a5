"""Parses as many parts of a document as possible, and reports the errors in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from designs.graph.mended_parts import mended_key, mended_value
from designs.graph.report import Report, did_you_mean, excerpt, pointer
from designs.graph.spec import (
    MAX_AGENTS,
    MAX_BLOCKS,
    MAX_CONNECTIONS,
    Agent,
    Block,
    Connection,
    Fix,
    Graph,
)

M = TypeVar("M", bound=BaseModel)

ID_SENTENCE = (
    "An id has 1 to 64 lower-case letters, digits and `_`, and begins with a letter, "
    "as in `find_facts`."
)
MUST = "This must "
MODEL_SENTENCE = (
    "Name a model as `provider:model`, or give a list of such names in the order they are tried, "
    "or null."
)
TOOL_SENTENCE = (
    "Name a tool by its connection and its own name, as in `crm.search`, or give an object with "
    "`name`, and `approval` or `most_calls`."
)
# Stands for an id or type that cannot be parsed. No document contains it: NUL is refused.
UNREAD = "\0"
_BY_KEY = {"id": ID_SENTENCE, "model": MODEL_SENTENCE}

_KINDS = {
    "string_type": "This must be text.",
    "string_sub_type": "This must be text.",
    "int_type": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "float_type": "This must be a number.",
    "finite_number": "This must be a finite number.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
}
_LIMITS: dict[str, Callable[[dict[str, Any]], str]] = {
    "literal_error": lambda c: f"This must be one of {c['expected'].replace(chr(39), '`')}.",
    "string_too_short": lambda c: (
        f"This must have at least {_count(c['min_length'], 'character')}."
    ),
    "string_too_long": lambda c: f"This may have at most {_count(c['max_length'], 'character')}.",
    "too_short": lambda c: f"This must have at least {_count(c['min_length'], 'entry')}.",
    "too_long": lambda c: f"This may have at most {_count(c['max_length'], 'entry')}.",
    "greater_than": lambda c: f"This must be greater than {c['gt']:g}.",
    "greater_than_equal": lambda c: f"This must be at least {c['ge']:g}.",
    "less_than": lambda c: f"This must be less than {c['lt']:g}.",
    "less_than_equal": lambda c: f"This must be at most {c['le']:g}.",
}


@dataclass(frozen=True, slots=True)
class BlockEntry:
    """The valid parts of a block; `whole` if it had no errors. Agents come with their paths."""

    path: str
    block: Block
    agents: tuple[tuple[str, Agent], ...]
    whole: bool


@dataclass(slots=True)
class Parts:
    """The valid parts of a document. `ids` includes the ids of invalid blocks."""

    blocks: list[BlockEntry] = field(default_factory=list)
    connections: list[tuple[str, Connection]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    output: str | None = None


def read_parts(raw: dict[str, Any], report: Report) -> Parts:
    parts = Parts()
    header = {**raw, "blocks": [{"id": "a", "type": "transform"}], "connections": []}
    graph = read_part(Graph, header, "", report, name="unnamed").part
    parts.output = graph.output if graph is not None else None
    if "blocks" not in raw:
        report.add("", "`blocks` is missing. Add it: a list with at least one block.")
    blocks = _entries(raw, "blocks", MAX_BLOCKS, report)
    if raw.get("blocks") == []:
        report.add("/blocks", "A design needs at least one block. Add one.")
    for path, item in blocks:
        _read_block(item, path, parts, report)
    for path, item in _entries(raw, "connections", MAX_CONNECTIONS, report):
        connection = _read_named(Connection, item, path, report)
        if connection is not None:
            parts.connections.append((path, connection))
    return parts


def _entries(
    raw: Mapping[str, Any], key: str, most: int, report: Report, base: str = ""
) -> list[tuple[str, Any]]:
    """A list's entries with their paths; empty for a value that is not a list or is too long."""
    items, path = raw.get(key, []), base + pointer(key)
    if not isinstance(items, list):
        report.add(path, "This must be a list.")
        return []
    if len(items) > most:
        report.add(path, f"There may be at most {most:,} {key} here, and there are {len(items):,}.")
        return []
    return [(f"{path}/{index}", item) for index, item in enumerate(items)]


def _read_block(raw: object, path: str, parts: Parts, report: Report) -> None:
    before = len(report)
    shell = raw
    if isinstance(raw, dict):
        if isinstance(raw.get("id"), str):
            parts.ids.add(raw["id"])
        shell = {key: value for key, value in raw.items() if key != "agents"}
    block = _read_named(Block, shell, path, report, type=UNREAD)
    if block is None or not isinstance(raw, dict):
        return
    agents = []
    for place, item in _entries(raw, "agents", MAX_AGENTS, report, path):
        agent = _read_named(Agent, item, place, report)
        if agent is not None:
            agents.append((place, agent))
    whole = len(report) == before
    block = block.model_copy(update={"agents": [agent for _, agent in agents]})
    parts.blocks.append(BlockEntry(path, block, tuple(agents), whole))


def _read_named(
    model: type[M], raw: object, path: str, report: Report, **stand_ins: Any
) -> M | None:
    """A part; an invalid `id` becomes UNREAD, so that the rest is checked too."""
    result = read_part(model, raw, path, report, id="unread", **stand_ins)
    if result.part is None or "id" not in result.wrong:
        return result.part
    return result.part.model_copy(update={"id": UNREAD})


# --- One part -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartResult(Generic[M]):
    """A part without its invalid keys, `wrong`; None if it is invalid even without them."""

    part: M | None
    wrong: frozenset[str] = frozenset()


def read_part(
    model: type[M], raw: object, path: str, report: Report, **stand_ins: Any
) -> PartResult[M]:
    """Parse one object, report its errors, and parse it again without the invalid keys.

    `stand_ins` are values for required keys that are invalid or missing.
    """
    if not isinstance(raw, dict):
        report.add(path, "This must be an object.")
        return PartResult(None)
    names = key_names(model)
    unknown = [key for key in raw if key not in names]
    for key in unknown:
        near = report.nearest(key, names)
        sentence = _unknown_key(key, did_you_mean(near))
        report.add(path + pointer(key), sentence, mended_key(model, raw, path, key, near))
    accepted = {key: value for key, value in raw.items() if key in names}
    try:
        return PartResult(model.model_validate(accepted), frozenset(unknown))
    except ValidationError as error:
        wrong = _report_errors(model, error, accepted, path, report)
    try:
        valid = {key: value for key, value in accepted.items() if key not in wrong}
        return PartResult(model.model_validate({**stand_ins, **valid}), wrong | set(unknown))
    except ValidationError:
        return PartResult(None, wrong)


@cache
def key_names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())


def check_types(model: type[BaseModel], raw: object, path: str, report: Report) -> None:
    """Report values of the wrong type only: a draft may have missing or unknown keys, and values
    beyond a limit.
    """
    if not isinstance(raw, dict):
        report.add(path, "This must be an object.")
        return
    names = key_names(model)
    accepted = {key: value for key, value in raw.items() if key in names}
    try:
        model.model_validate(accepted)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] in _KINDS:
                place = _place(accepted, detail["loc"])
                report.add(path + pointer(*place), _sentence(detail, place))


def _report_errors(
    model: type[BaseModel], error: ValidationError, raw: dict[str, Any], path: str, report: Report
) -> frozenset[str]:
    """Report each place once; returns the keys of `raw` that are invalid."""
    sentences: dict[str, list[str]] = {}
    fixes: dict[str, Fix | None] = {}
    wrong: set[str] = set()
    for detail in error.errors(include_url=False, include_input=False):
        place = _place(raw, detail["loc"])
        wrong.update(str(step) for step in detail["loc"][:1])
        if detail["type"] == "missing":
            key = str(detail["loc"][-1])
            report.add(path + pointer(*place), f"`{key}` is missing. Add it.")
        else:
            full = path + pointer(*place)
            sentences.setdefault(full, []).append(_sentence(detail, place))
            if len(place) == 1:
                fixes[full] = mended_value(model, detail, raw[str(place[0])], path, report)
    for full, options in sentences.items():
        # Where several types are allowed, there is an error for each: "This must …, or …."
        first, *others = dict.fromkeys(options)
        rest = [other.removeprefix(MUST).rstrip(".") for other in others if other.startswith(MUST)]
        if rest:
            report.add(full, ", or ".join([first.rstrip("."), *rest]) + ".")
        else:
            report.add(full, first, fixes.get(full))
    return frozenset(wrong)


def _place(raw: Any, location: tuple[str | int, ...]) -> list[str | int]:
    """The part of an error's location that is in the document; the rest names the types tried."""
    place: list[str | int] = []
    for step in location:
        in_list = isinstance(raw, list) and isinstance(step, int) and step < len(raw)
        if not in_list and not (isinstance(raw, dict) and step in raw):
            break
        raw = raw[step]
        place.append(step)
    return place


def _sentence(detail: Any, place: list[str | int]) -> str:
    key, kind = place[0] if place else "", detail["type"]
    if key in _BY_KEY:
        return _BY_KEY[str(key)]
    if key == "tools" and len(place) == 2:
        return TOOL_SENTENCE
    if kind == "extra_forbidden":
        return _unknown_key(str(detail["loc"][-1]))
    if kind in _LIMITS:
        return _LIMITS[kind](detail["ctx"])
    return _KINDS.get(kind, "This value is not allowed here. See the description of this key.")


def _unknown_key(key: str, hint: str = "") -> str:
    return f"There is no key `{excerpt(key)}` here.{hint} Remove it, or correct its name."


def _count(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1] + 'ies' if noun.endswith('y') else noun + 's'}"
