"""What a server says of a tool, bounded and comparable: names, texts, schemas, hints."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from designs.graph.report import Report
from designs.graph.schemas import check_schema
from designs.graph.spec import TOOL_PATTERN
from designs.secrets.masking import masked_value
from executor.models import Effect, Tool
from executor.models.tools import MAX_TOOL_NAME
from executor.tool_connections.http_requests import check_description
from executor.tool_connections.openapi import suggested_effect

MAX_DESCRIPTION = 8_000
MAX_SCHEMA_BYTES = 65_536
MAX_DEPTH = 60
# The part of a tool's name behind the point.
_OWN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}")
_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
ANY_OBJECT: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class ToolText:
    """A tool as its server describes it; `http` of an HTTP tool, as its importer does."""

    name: str
    title: str = ""
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=lambda: dict(ANY_OBJECT))
    output_schema: dict[str, Any] | None = None
    annotations: dict[str, Any] = field(default_factory=dict)
    http: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        # Sorted: servers write the same schema in different orders.
        ordered = orjson.dumps(asdict(self), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(ordered).hexdigest()


def has_name(name: object) -> bool:
    return isinstance(name, str) and len(name) <= MAX_TOOL_NAME and bool(_OWN_NAME.fullmatch(name))


def text_of_listed(listed: dict[str, Any]) -> ToolText:
    """Of a tool as an MCP server lists it. What is too large, or of a wrong kind, is left out."""
    listed = _clean(listed)
    hints = listed.get("annotations")
    annotations = {
        hint: value
        for hint in _HINTS
        if isinstance(value := (hints if isinstance(hints, dict) else {}).get(hint), bool)
    }
    title = listed.get("title") or (hints.get("title") if isinstance(hints, dict) else "")
    output = listed.get("outputSchema")
    return ToolText(
        name=listed["name"],
        title=_text(title, MAX_TOOL_NAME),
        description=_text(listed.get("description"), MAX_DESCRIPTION),
        input_schema=_schema(listed.get("inputSchema")) or dict(ANY_OBJECT),
        output_schema=_schema(output),
        annotations=annotations,
    )


def text_of_row(tool: Tool) -> ToolText:
    return ToolText(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.input_schema,
        output_schema=tool.output_schema,
        annotations=tool.annotations,
        http=tool.http,
    )


def text_of_json(stored: dict[str, Any]) -> ToolText:
    """Of what `changed` of a tool holds."""
    names = ToolText.__dataclass_fields__.keys()
    return ToolText(**{name: stored[name] for name in names})


def write_text(tool: Tool, text: ToolText) -> None:
    """Into the row, unsaved."""
    for name, value in asdict(text).items():
        setattr(tool, name, value)
    tool.digest = text.digest


def effect_suggested(tool: Tool) -> Effect | None:
    """What the server's hints, or the method, say of the effect. Only people decide."""
    if tool.http:
        return Effect(suggested_effect(str(tool.http.get("method", ""))))
    hints = tool.annotations
    if hints.get("readOnlyHint") is True:
        return Effect.READ
    return Effect.IDEMPOTENT if hints.get("idempotentHint") is True else None


def unfit_to_offer(tool: Tool) -> list[str]:
    """Sentences about why models cannot be given this tool; none if they can."""
    wrong = []
    if not re.fullmatch(TOOL_PATTERN, f"{tool.connection.name}.{tool.name}"):
        wrong.append("Designs cannot name it: a name has letters, digits and _ . / - only.")
    if tool.input_schema.get("type") != "object":
        wrong.append("Its input schema is not that of an object.")
    else:
        report = Report()
        check_schema(tool.input_schema, "", report)
        wrong += [f"Its input schema{p.path}: {p.message}" for p in report.problems()[:3]]
    if tool.http is not None:
        wrong += check_description(tool.http, tool.input_schema)
    return wrong


def _schema(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, dict) or len(orjson.dumps(value)) > MAX_SCHEMA_BYTES:
        return None
    # Schemas name drafts that differ in nothing that tools use.
    return {key: item for key, item in value.items() if key != "$schema"}


def _text(value: Any, most: int) -> str:
    return value.strip()[:most] if isinstance(value, str) else ""


def _clean(value: Any) -> Any:
    """What databases can keep, without the installation's secrets."""
    return masked_value(_storable(value))


def _storable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        kept = value.encode("utf-8", "replace").decode()
        return kept.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        return {_storable(str(k)): _storable(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_storable(item, depth + 1) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return float(value) if abs(value) < 10**300 else None
    return value
