"""Designs as files: parses a file into documents, and writes a document as stable text."""

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
    """A document, and warnings about what was changed or left out."""

    document: dict[str, Any]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class DesignFile:
    """The designs of a file, or all its problems. Paths are JSON pointers into the file."""

    designs: tuple[ReadDesign, ...]
    problems: tuple[Problem, ...]


# --- Reading --------------------------------------------------------------------------------------


def read_design_file(data: bytes) -> DesignFile:
    """Parse one design or a list, in our layout or the nested one. Never raises."""
    if len(data) > MAX_FILE_BYTES:
        return _refused(
            f"The file is larger than {MAX_FILE_BYTES // 2**20} MiB. Split it into several."
        )
    try:
        return read_designs(read_strict_json(data))
    except JsonUnreadable as error:
        return _refused(YAML if looks_like_yaml(data) else str(error))


def read_designs(raw: object) -> DesignFile:
    """The same for parsed JSON. Never raises, and takes a bounded time for any value."""
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
        entry = _read(item)
        problems += _moved(entry.problems, base)
        designs += [
            ReadDesign(design.document, tuple(_moved(design.warnings, base)))
            for design in entry.designs
        ]
        if len(problems) >= MAX_PROBLEMS:
            break
    return DesignFile(() if problems else tuple(designs), tuple(problems))


def _read(raw: object) -> DesignFile:
    """Parse one design. Only errors that a draft may not have are problems."""
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
    conversion = convert(raw) if nested else Conversion(raw)
    _check_shape(conversion)
    if len(conversion.report):
        return DesignFile((), conversion.report.problems())
    document = rename_ids(conversion.document, conversion.warn, complete=nested)
    name, warnings = document.get("name"), conversion.warnings
    if name is None or (isinstance(name, str) and not name.strip()):
        warnings.add("/name", "The design has no name, so it gets one. Give it a better one.")
    return DesignFile((ReadDesign(document, warnings.notes()),), ())


def _check_size(raw: dict[str, Any], report: Report) -> None:
    """Report too many parts before any of them is checked."""
    for key, most in (("blocks", MAX_BLOCKS), ("connections", MAX_CONNECTIONS)):
        items = raw.get(key)
        if isinstance(items, list) and len(items) > most:
            sentence = f"There may be at most {most:,} {key} here, and there are {len(items):,}."
            report.add(f"/{key}", sentence)


def _moved(problems: Iterable[Problem], base: str) -> Iterator[Problem]:
    return (Problem(base + problem.path, problem.message) for problem in problems)


def _refused(message: str) -> DesignFile:
    return DesignFile((), (Problem("", message),))


# --- The rules for drafts -------------------------------------------------------------------------


def _check_shape(conversion: Conversion) -> None:
    """Report values of a wrong type and duplicate ids, at their places in the file."""
    report = Report()
    document = conversion.document
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
        conversion.report.add(conversion.place(problem.path), problem.message)


def _checked_list(
    owner: dict[str, Any], key: str, base: str, model: type[BaseModel], report: Report
) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a list with their paths; other values are reported."""
    items, path = owner.get(key, []), f"{base}/{key}"
    if not isinstance(items, list):
        report.add(path, "This must be a list.")
        return []
    objects = []
    for index, item in enumerate(items):
        if report.full:
            break
        shell = item
        if isinstance(item, dict):
            objects.append((f"{path}/{index}", item))
            if model is Block:
                # Agents are checked one by one, with their own places.
                shell = {key: value for key, value in item.items() if key != "agents"}
        check_types(model, shell, f"{path}/{index}", report)
    return objects


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
    """The document as JSON text, independent of the order of its keys.

    Parsing the text gives a document with the same text.
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
    """The keys of the model in their usual order, then all others."""
    usual = [key for key in key_names(model) if key in part]
    others = sorted(part.keys() - set(usual))
    return {key: _plain(part[key]) for key in (*usual, *others)}


def _plain(value: Any) -> Any:
    """Keys in order, and numbers as every database returns them."""
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value or 0.0
    if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        # PostgreSQL writes 1e22 out in digits, so it comes back as a whole number.
        try:
            return float(value)
        except OverflowError:
            return value
    return value
