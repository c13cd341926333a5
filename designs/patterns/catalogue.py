"""The palette of block types, and the check of documents against it."""

from __future__ import annotations

from typing import Any

from designs.graph.labels import without_labels
from designs.graph.rules import CheckResult, check_graph
from designs.graph.schemas import DIALECT
from designs.graph.spec import ID_PATTERN, Block, Graph
from designs.patterns.approval import Approval
from designs.patterns.base import Pattern, Settings
from designs.patterns.debate import Debate
from designs.patterns.hierarchical import Hierarchical
from designs.patterns.http import Http
from designs.patterns.loop import Loop
from designs.patterns.map_items import Map
from designs.patterns.parallel import Parallel
from designs.patterns.reflection import Reflection
from designs.patterns.routing import Routing
from designs.patterns.sequential import Sequential
from designs.patterns.subdesign import Subdesign
from designs.patterns.transform import Transform
from designs.patterns.wait import Wait

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
        Subdesign(),
        Map(),
        Loop(),
        Http(),
        Approval(),
        Wait(),
    )
}


def check_document(raw: object) -> CheckResult:
    """Check any value as a design's document. Never raises."""
    return check_graph(raw, PALETTE)


def read_settings(block: Block) -> Settings:
    """The settings of a block, with defaults.

    Raises KeyError for an unknown type, pydantic's ValidationError for invalid settings.
    """
    return PALETTE[block.type].settings_type.model_validate(block.settings)


def document_schema() -> dict[str, Any]:
    """The JSON Schema of the document: rules for single parts only, unlike `check_document`."""
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
    return {"$schema": DIALECT, **without_labels(schema), "title": "Orchestra design"}
