"""OpenAPI 3 documents as HTTP tools: each operation one. Only local references are followed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from executor.models import Effect
from executor.tool_connections.http_requests import ARGUMENT, OWN_HEADERS, READS

MAX_DOCUMENT_BYTES = 1_048_576
MAX_OPERATIONS = 200
# Of one tool's schema, with what its references stand for; a document can multiply by them.
MAX_PARTS = 2_000
# Of its names, texts and values.
MAX_CHARACTERS = 50_000
MAX_DEPTH = 20
METHODS = ("get", "put", "post", "delete", "head", "patch")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_AN_ARGUMENT = re.compile(r"[^A-Za-z0-9_.-]+")
# The values of these are no schemas.
_VALUES = frozenset({"enum", "default", "const"})
# Keywords of OpenAPI that JSON Schema does not have, or that say nothing to a model.
_LEFT_OUT = frozenset(
    {"discriminator", "example", "externalDocs", "xml", "nullable", "readOnly", "writeOnly"}
)
# In these objects keys are names.
_TABLES = frozenset({"properties", "patternProperties", "$defs"})


class DocumentRefused(Exception):
    """The document cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as a tool, with the effect that its method suggests."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    http: dict[str, Any]
    effect: str


def read_operations(document: Any) -> list[Operation]:
    """Raises DocumentRefused. The document's addresses are not used: the connection has one."""
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3."):
        raise DocumentRefused("This is no OpenAPI 3 document: it has no `openapi: 3.…`.")
    paths = document.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise DocumentRefused("The document has no paths.")
    found = list(_operations(document, paths))
    if len(found) > MAX_OPERATIONS:
        raise DocumentRefused(
            f"The document has {len(found):,} operations; {MAX_OPERATIONS} can be imported at "
            "most. Leave out those that agents do not need."
        )
    if not found:
        raise DocumentRefused("The document has no operations.")
    names: dict[str, int] = {}
    return [_Reader(document, names).operation(*place) for place in found]


def suggested_effect(method: str) -> str:
    if method in READS:
        return Effect.READ
    return Effect.IDEMPOTENT if method in ("PUT", "DELETE") else Effect.ONCE


def _operations(
    document: dict[str, Any], paths: dict[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any], list[Any]]]:
    for path, item in paths.items():
        if not isinstance(path, str) or not path.startswith("/"):
            raise DocumentRefused(f"The path {str(path)[:100]!r} does not begin with /.")
        shared = item.get("parameters") if isinstance(item, dict) else None
        for method in METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                own = operation.get("parameters")
                parameters = [
                    *(shared if isinstance(shared, list) else ()),
                    *(own if isinstance(own, list) else ()),
                ]
                yield path, method.upper(), operation, parameters


class _Reader:
    """Reads one operation; `names` counts those that were given."""

    def __init__(self, document: dict[str, Any], names: dict[str, int]) -> None:
        self._document = document
        self._names = names
        self._parts = 0
        self._characters = 0

    def operation(
        self, path: str, method: str, operation: dict[str, Any], parameters: list[Any]
    ) -> Operation:
        http: dict[str, Any] = {"method": method, "path": path, "query": {}, "headers": {}}
        schema: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
        # The operation's own come last, and replace the path's.
        merged = {}
        for parameter in map(self._followed, parameters):
            if isinstance(parameter, dict):
                merged[str(parameter.get("in")), str(parameter.get("name"))] = parameter
        for (place, name), parameter in merged.items():
            self._add_parameter(http, schema, place, name, parameter)
        self._add_missing_of_path(http, schema)
        self._add_body(http, schema, operation.get("requestBody"))
        if not schema["required"]:
            del schema["required"]
        title = _words(operation.get("summary"), 200)
        return Operation(
            self._name(operation, method, path),
            title,
            _words(operation.get("description"), 4_000) or title or f"{method} {path}",
            schema,
            http,
            suggested_effect(method),
        )

    def _name(self, operation: dict[str, Any], method: str, path: str) -> str:
        wanted = operation.get("operationId") or f"{method.lower()} {path}"
        name = _NOT_IN_A_NAME.sub("_", str(wanted)).strip("_")[:80] or "operation"
        self._names[name] = count = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}_{count}"

    def _add_parameter(
        self,
        http: dict[str, Any],
        schema: dict[str, Any],
        place: str,
        name: str,
        parameter: dict[str, Any],
    ) -> None:
        argument = _NOT_IN_AN_ARGUMENT.sub("_", name)[:64]
        if place == "path":
            if argument != name:
                http["path"] = http["path"].replace(f"{{{name}}}", f"{{{argument}}}")
        elif place == "query":
            http["query"][name] = f"{{{argument}}}"
        elif place == "header" and name.lower() not in OWN_HEADERS:
            http["headers"][name] = f"{{{argument}}}"
        else:
            # Cookies, and headers that belong to the connection.
            return
        shape = self._schema(parameter.get("schema"))
        text = _words(parameter.get("description"), 1_000)
        if text and isinstance(shape, dict) and self._has_room(text):
            shape = {**shape, "description": text}
        schema["properties"][argument] = shape
        if parameter.get("required") is True or place == "path":
            _add_required(schema, argument)

    @staticmethod
    def _add_missing_of_path(http: dict[str, Any], schema: dict[str, Any]) -> None:
        for argument in ARGUMENT.findall(http["path"]):
            if argument not in schema["properties"]:
                schema["properties"][argument] = {"type": "string"}
                _add_required(schema, argument)

    def _add_body(self, http: dict[str, Any], schema: dict[str, Any], body: Any) -> None:
        body = self._followed(body)
        content = body.get("content") if isinstance(body, dict) else None
        if not isinstance(content, dict):
            return
        media = next((content[kind] for kind in content if "json" in str(kind).lower()), None)
        if not isinstance(media, dict):
            return
        argument = "body"
        while argument in schema["properties"]:
            argument += "_"
        http["body"] = f"{{{argument}}}"
        schema["properties"][argument] = self._schema(media.get("schema"))
        if body.get("required") is True:
            _add_required(schema, argument)

    def _schema(self, schema: Any, above: tuple[str, ...] = (), depth: int = 0) -> Any:
        """The schema as JSON Schema without references; one that leads back to itself is open."""
        self._parts += 1
        if self._parts > MAX_PARTS or depth > MAX_DEPTH:
            return {}
        if isinstance(schema, list):
            return [self._schema(item, above, depth + 1) for item in schema]
        if not isinstance(schema, dict):
            return schema if schema is not None and self._has_room(schema) else {}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            if reference in above:
                return {}
            return self._schema(self._at(reference), (*above, reference), depth + 1)
        return self._keywords(schema, above, depth)

    def _keywords(self, schema: dict[str, Any], above: tuple[str, ...], depth: int) -> Any:
        shown: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _LEFT_OUT or str(key).startswith("x-"):
                continue
            if key in _TABLES and isinstance(value, dict):
                shown[key] = {
                    name: self._schema(item, above, depth + 1)
                    for name, item in value.items()
                    if self._has_room(name)
                }
            elif key not in _VALUES and _holds_schemas(value):
                shown[key] = self._schema(value, above, depth + 1)
            elif self._has_room(value):
                shown[key] = value
        return _without_old_words(schema, shown)

    def _has_room(self, value: Any) -> bool:
        """Whether the value still fits: a part that is referred to often stands there as often."""
        left = MAX_CHARACTERS - self._characters
        if left <= 0:
            return False
        is_text = isinstance(value, str)
        size = len(value) if is_text else len(orjson.dumps(value))
        if size <= left:
            self._characters += size
        elif not is_text:
            # Measuring it costs more than a text, so nothing else is measured.
            self._characters = MAX_CHARACTERS
        return size <= left

    def _followed(self, value: Any) -> Any:
        for _ in range(MAX_DEPTH):
            reference = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(reference, str):
                return value
            value = self._at(reference)
        raise DocumentRefused("A reference of the document leads to itself.")

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise DocumentRefused(
                f"The document refers to {reference[:100]}. Only references within it (#/…) are "
                "followed: put everything into one document."
            )
        value: Any = self._document
        for step in reference[2:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, dict) or key not in value:
                raise DocumentRefused(f"There is nothing at {reference[:100]} in the document.")
            value = value[key]
        return value


def _add_required(schema: dict[str, Any], argument: str) -> None:
    if argument not in schema["required"]:
        schema["required"].append(argument)


def _holds_schemas(value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return any(isinstance(part, dict | list) for part in parts)


def _words(value: Any, most: int) -> str:
    return value.strip()[:most] if isinstance(value, str) else ""


def _without_old_words(schema: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI 3.0 says in words of its own, in those of JSON Schema."""
    if schema.get("nullable") is True and isinstance(shown.get("type"), str):
        shown["type"] = [shown["type"], "null"]
    for bound in ("minimum", "maximum"):
        exclusive = f"exclusive{bound.capitalize()}"
        if isinstance(shown.get(exclusive), bool) and shown.pop(exclusive) and bound in shown:
            shown[exclusive] = shown.pop(bound)
    return shown
