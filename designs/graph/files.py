"""Designs as files: what a file holds, as documents of ours; and a document as stable text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from designs.graph.conversion import Conversion
from designs.graph.foreign import YAML, foreign_program, looks_like_yaml
from designs.graph.nested_layout import convert, is_nested
from designs.graph.renaming import rename_ids
from designs.graph.report import MAX_PROBLEMS, Report
from designs.graph.shape import check_types, key_names
from designs.graph.spec import (
    MAX_BLOCKS,
    MAX_BYTES,
    MAX_CONNECTIONS,
    Agent,
    Block,
    Connection,
    Graph,
    Position,
    Problem,
)
from designs.graph.values import check_values
from designs.strict_json import MAX_INTEGER, JsonUnreadable, read_strict_json

MAX_DESIGNS = 100
MAX_FILE_BYTES = 4 * MAX_BYTES


@dataclass(frozen=True, slots=True)
class ReadDesign:
    """A document of ours, and what was changed or left out of the file to get it."""

    document: dict[str, Any]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class DesignFile:
    """What a file holds: designs, or else all problems. Paths are JSON pointers into the file."""

    designs: tuple[ReadDesign, ...]
    problems: tuple[Problem, ...]


# --- Reading --------------------------------------------------------------------------------------


def read_design_file(data: bytes) -> DesignFile:
    """One design or a list of them, in our layout or the nested one. Never raises."""
    if len(data) > MAX_FILE_BYTES:
        return _refused(
            f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB. Split it into several."
        )
    try:
        return read_designs(read_strict_json(data))
    except JsonUnreadable as error:
        return _refused(YAML if looks_like_yaml(data) else str(error))


def read_designs(raw: object) -> DesignFile:
    """The same for a value that was parsed already. Never raises; ends soon for any value."""
    if not isinstance(raw, list):
        entries: Iterable[tuple[str, object]] = [("", raw)]
    elif not raw:
        return _refused("The file holds no design. Give one, or a list of them.")
    elif len(raw) > MAX_DESIGNS:
        return _refused(
            f"A file may hold {MAX_DESIGNS} designs, and there are {len(raw):,}. Split it."
        )
    else:
        entries = [(f"/{index}", item) for index, item in enumerate(raw)]
    designs: list[ReadDesign] = []
    problems: list[Problem] = []
    for base, item in entries:
        found = _read(item)
        problems += _moved(found.problems, base)
        designs += [
            ReadDesign(one.document, tuple(_moved(one.warnings, base))) for one in found.designs
        ]
        if len(problems) >= MAX_PROBLEMS:
            break
    return DesignFile(() if problems else tuple(designs), tuple(problems))


def _read(raw: object) -> DesignFile:
    """One design. What would keep it from being kept as a draft is a problem, the rest is not."""
    report = Report()
    if isinstance(raw, dict):
        _check_size(raw, report)
    if len(report) == 0:
        check_values(raw, report)
    if len(report) == 0 and not isinstance(raw, dict):
        report.add("", "A design is an object with `name` and `blocks`.")
    if isinstance(raw, dict) and (program := foreign_program(raw)) is not None:
        report.add("", f"This looks like {program}; designs of other programs are not read.")
    if len(report) or not isinstance(raw, dict):
        return DesignFile((), report.problems())
    nested = is_nested(raw)
    found = convert(raw) if nested else Conversion(raw)
    _check_shape(found)
    if len(found.report):
        return DesignFile((), found.report.problems())
    document = rename_ids(found.document, found.warn, complete=nested)
    name = document.get("name")
    if name is None or (isinstance(name, str) and not name.strip()):
        found.warnings.add("/name", "The design has no name, so it gets one. Give it a better one.")
    return DesignFile((ReadDesign(document, found.warnings.notes()),), ())


def _check_size(raw: dict[str, Any], report: Report) -> None:
    """Report too many parts before any of them is looked at."""
    for key, most in (("blocks", MAX_BLOCKS), ("connections", MAX_CONNECTIONS)):
        found = raw.get(key)
        if isinstance(found, list) and len(found) > most:
            sentence = f"There may be at most {most:,} {key} here, and there are {len(found):,}."
            report.add(f"/{key}", sentence)


def _moved(problems: Iterable[Problem], base: str) -> Iterator[Problem]:
    return (Problem(base + problem.path, problem.message) for problem in problems)


def _refused(message: str) -> DesignFile:
    return DesignFile((), (Problem("", message),))


# --- What a draft must be -------------------------------------------------------------------------


def _check_shape(found: Conversion) -> None:
    """Report values of the wrong kind and ids that stand twice, at their places in the file."""
    report = Report()
    document = found.document
    if "blocks" not in document and "schema" not in document:
        report.add("", "This is no design: `blocks` is missing. Add it: a list of blocks.")
    header = {key: value for key, value in document.items() if key not in ("blocks", "connections")}
    check_types(Graph, header, "", report)
    blocks = _checked_list(document, "blocks", "", Block, report)
    for path, block in blocks:
        agents = _checked_list(block, "agents", path, Agent, report)
        _check_unique(agents, "agent of this block", report)
    _check_unique(blocks, "block", report)
    connections = _checked_list(document, "connections", "", Connection, report)
    _check_unique(connections, "connection", report)
    for problem in report.problems():
        found.report.add(found.place(problem.path), problem.message)


def _checked_list(
    owner: dict[str, Any], key: str, base: str, model: type[BaseModel], report: Report
) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a list with their paths; what is none is reported."""
    items, path = owner.get(key, []), f"{base}/{key}"
    if not isinstance(items, list):
        report.add(path, "This must be a list.")
        return []
    found = []
    for index, item in enumerate(items):
        if report.full:
            break
        # Agents are looked at one by one, with places of their own.
        shell = _without_agents(item) if model is Block else item
        check_types(model, shell, f"{path}/{index}", report)
        if isinstance(item, dict):
            found.append((f"{path}/{index}", item))
    return found


def _without_agents(item: object) -> object:
    if not isinstance(item, dict):
        return item
    return {key: value for key, value in item.items() if key != "agents"}


def _check_unique(items: list[tuple[str, dict[str, Any]]], noun: str, report: Report) -> None:
    first: dict[str, str] = {}
    for path, item in items:
        name = item.get("id")
        if isinstance(name, str) and first.setdefault(name, path) != path:
            report.add(
                f"{path}/id", f"Another {noun} has this id already. Give this one an id of its own."
            )


# --- Writing --------------------------------------------------------------------------------------


def design_text(document: dict[str, Any]) -> str:
    """The document as JSON text: the same for the same document, whatever the order of its keys.

    Reading the text gives a document with the same text.
    """
    ordered = _in_order(Graph, document)
    for key, model in (("blocks", Block), ("connections", Connection)):
        if isinstance(ordered.get(key), list):
            ordered[key] = [_part(model, item) for item in document[key]]
    return json.dumps(ordered, ensure_ascii=False, indent=2) + "\n"


def _part(model: type[BaseModel], item: Any) -> Any:
    if not isinstance(item, dict):
        return _plain(item)
    ordered = _in_order(model, item)
    if model is Block and isinstance(item.get("agents"), list):
        ordered["agents"] = [_part(Agent, agent) for agent in item["agents"]]
    if model is Block and isinstance(item.get("position"), dict):
        ordered["position"] = _in_order(Position, item["position"])
    return ordered


def _in_order(model: type[BaseModel], part: dict[str, Any]) -> dict[str, Any]:
    """A part's own keys as they are usually written, then what else it has."""
    known = [key for key in key_names(model) if key in part]
    others = sorted(part.keys() - set(known))
    return {key: _plain(part[key]) for key in (*known, *others)}


def _plain(value: Any) -> Any:
    """Keys in order, numbers as every database gives them back."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value or 0.0
    if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        # PostgreSQL writes 1e22 out in digits, so that it comes back as a whole number.
        return _as_float(value)
    return value


def _as_float(value: int) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return value
