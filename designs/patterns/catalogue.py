"""The palette: which block types there are, and documents checked against it."""

from __future__ import annotations

import json
from typing import Any

from designs.graph.rules import CheckResult, check_graph
from designs.graph.schemas import DIALECT
from designs.graph.spec import ID_PATTERN, MAX_BYTES, Block, Graph, Problem
from designs.patterns.base import Pattern, Settings
from designs.patterns.debate import Debate
from designs.patterns.hierarchical import Hierarchical
from designs.patterns.parallel import Parallel
from designs.patterns.reflection import Reflection
from designs.patterns.routing import Routing
from designs.patterns.sequential import Sequential
from designs.patterns.transform import Transform

PALETTE: dict[str, Pattern[Any]] = {
    pattern.type: pattern
    for pattern in (
        Sequential(),
        Parallel(),
        Hierarchical(),
        Debate(),
        Routing(),
        Reflection(),
        Transform(),
    )
}
UPCOMING = frozenset({"http", "approval", "subdesign", "map"})


def check_document(raw: object) -> CheckResult:
    """Check any value as a design's document: the graph, or all problems at once. Never raises."""
    return check_graph(raw, PALETTE, UPCOMING)


def parse_json_document(data: bytes) -> CheckResult:
    """Check a file or body as a design's document; bad JSON is a problem too. Never raises."""
    if len(data) > 2 * MAX_BYTES:
        return _refused(f"The file is larger than a design may be ({MAX_BYTES // 2**20} MiB).")
    try:
        raw = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except UnicodeDecodeError as error:
        return _refused(f"The file is not UTF-8 text: byte {error.start + 1} cannot be read.")
    except json.JSONDecodeError as error:
        return _refused(
            f"This is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        )
    except RecursionError:
        return _refused("The file is nested too deep for a design.")
    except ValueError as error:
        return _refused(
            str(error) if isinstance(error, _Repeated) else "A number in the file is too long."
        )
    return check_document(raw)


def read_settings(block: Block) -> Settings:
    """The settings of a block of a checked graph, with defaults filled in.

    Raises KeyError for an unknown type, pydantic's ValidationError for settings that do not fit.
    """
    return PALETTE[block.type].settings_type.model_validate(block.settings)


def document_schema() -> dict[str, Any]:
    """The JSON Schema of the document, for editors and tests.

    It says what can be said of each part alone; `check_document` knows the rest.
    """
    schema = Graph.model_json_schema(by_alias=True)
    block = schema["$defs"]["Block"]
    block["properties"]["type"] = {"title": "Type", "enum": list(PALETTE)}
    block["allOf"] = [
        {
            "if": {"properties": {"type": {"const": pattern.type}}},
            "then": {
                "properties": {
                    "settings": {"$ref": f"#/$defs/{pattern.settings_type.__name__}"},
                    "agents": {"minItems": pattern.min_agents, "maxItems": pattern.max_agents},
                }
            },
        }
        for pattern in PALETTE.values()
    ]
    for pattern in PALETTE.values():
        schema["$defs"][pattern.settings_type.__name__] = pattern.settings_type.model_json_schema()
    for end in ("source", "target"):
        schema["$defs"]["Connection"]["properties"][end]["pattern"] = ID_PATTERN
    return {"$schema": DIALECT, **schema, "title": "Orchestra design"}


class _Repeated(ValueError):
    """A key that stands twice in one object."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _Repeated(f"The key {twice[:80]!r} stands twice in one object. Keep one of them.")
    return found


def _refused(message: str) -> CheckResult:
    return CheckResult(None, (Problem("", message),))
