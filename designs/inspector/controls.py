"""The controls for the fields of a type, from its JSON schema and its labels."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from designs.graph.labels import KEY

Schema = dict[str, Any]

# Longer texts get more than one line.
LINE_CHARACTERS = 200
# Choices with more words than this in all are a list that opens, not a row of buttons.
MAX_BUTTON_WORDS = 9
MAX_BUTTONS = 3
TYPED = {"boolean": "boolean", "integer": "integer", "number": "number"}
# Kinds whose text is code, or has code in it.
CODE = frozenset({"expression", "json", "id"})
LONG = frozenset({"longtext", "template", "expression", "json"})


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Control:
    """One control. `pointer` is relative to its part; `part` tells apart controls of one value.

    `emptied` is what an emptied control means: `remove` the key, or `""`. `words` is the help,
    as pieces of text and of code.
    """

    pointer: str
    label: str
    kind: str
    widget: str
    words: tuple[tuple[str, bool], ...] = ()
    default: str = "null"
    emptied: str = "remove"
    placeholder: str = ""
    choices: tuple[Choice, ...] = ()
    also: str = ""
    options: str = ""
    when: str = ""
    part: str = ""
    group: str = ""
    required: bool = False
    limits: dict[str, str] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """For ids in the page."""
        place = self.pointer.strip("/").replace("/", "-")
        return f"{place}-{self.part}" if self.part else place

    @property
    def is_code(self) -> bool:
        return self.kind in CODE

    @property
    def rows(self) -> int:
        return 2 if self.kind == "expression" else 4


def controls_of(model: type[BaseModel], base: str = "") -> list[Control]:
    """The controls of all fields but the hidden ones, in their order. `base` is a pointer."""
    schema = model.model_json_schema(by_alias=True)
    found = list(_either(schema, base))
    exclusive = found[0].choices if found else ()
    needed = schema.get("required", ())
    for name, raw in schema.get("properties", {}).items():
        labels = raw.get(KEY, {})
        if labels.get("kind") == "hidden":
            continue
        for control in _controls(name, raw, schema, f"{base}/{name}"):
            changed = replace(control, required=name in needed)
            if any(choice.value == name for choice in exclusive):
                changed = replace(changed, when=changed.pointer, emptied='""', placeholder="")
            found.append(changed)
    return found


def _either(schema: Schema, base: str) -> Iterator[Control]:
    """The control that says which one of several fields is used."""
    labels = schema.get(KEY, {}).get("one_of")
    if labels:
        choices = tuple(Choice(value, label) for value, label in labels["choices"].items())
        widget = "radios" if _are_short(choices) else "select"
        yield Control(base, labels["title"], "either", widget, choices=choices)


def _controls(name: str, raw: Schema, schema: Schema, pointer: str) -> Iterator[Control]:
    labels = raw.get(KEY, {})
    inner, is_optional = _resolved(raw, schema)
    kind = _kind(inner, labels)
    default = raw.get("default")
    control = Control(
        pointer=pointer,
        label=raw.get("title") or name.replace("_", " ").capitalize(),
        kind=kind,
        widget=_WIDGETS.get(kind, "input"),
        words=tuple(pieces(labels.get("help", raw.get("description", "")))),
        default=json.dumps(default),
        emptied="remove" if is_optional or "default" in raw else '""',
        placeholder=_placeholder(default, labels),
        also=labels.get("also", ""),
        options=labels.get("options", ""),
        when=labels.get("when", ""),
        group=labels.get("group", ""),
        limits=_limits(kind, inner),
    )
    if kind == "models":
        yield replace(control, kind="model", widget="select", options="models", part="first",
                      choices=(Choice("", labels.get("empty", "none")),))  # fmt: skip
        yield replace(control, widget="models", options="models", part="rest", words=(),
                      label=labels.get("rest", "If it cannot answer"), placeholder="")  # fmt: skip
    elif kind == "object":
        for inside, part in inner["properties"].items():
            for one in _controls(inside, part, schema, f"{pointer}/{inside}"):
                yield replace(one, when=control.when, group=control.group)
    elif kind == "choice-or-integer":
        yield replace(control, choices=_of_union(inner, labels))
    elif kind == "choice":
        yield _choice(control, inner, labels)
    else:
        yield control


def _choice(control: Control, inner: Schema, labels: Schema) -> Control:
    words = labels.get("choices", {})
    choices = tuple(Choice(str(value), words.get(value, str(value))) for value in _values(inner))
    if "empty" in labels:
        choices = (Choice("", labels["empty"]), *choices)
    elif control.default == "null" and control.emptied == "remove":
        choices = (Choice("", "not set"), *choices)
    if control.options:
        # The draft says which there are.
        return replace(
            control,
            widget="select",
            choices=choices if choices[:1] and not choices[0].value else (),
        )
    return replace(control, choices=choices, widget="radios" if _are_short(choices) else "select")


def _of_union(inner: Schema, labels: Schema) -> tuple[Choice, ...]:
    words = labels.get("choices", {})
    named = [value for option in inner["anyOf"] for value in _values(option)]
    return (
        *(Choice(str(value), words.get(value, str(value))) for value in named),
        Choice("number", words.get("number", "a number")),
    )


_WIDGETS = {
    "boolean": "checkbox",
    "tools": "tools",
    "choice-or-integer": "union",
    **dict.fromkeys(LONG, "textarea"),
}


def _resolved(raw: Schema, schema: Schema) -> tuple[Schema, bool]:
    """The schema without references and without null; whether null is allowed."""
    inner = raw
    if "$ref" in inner:
        target = schema.get("$defs", {}).get(inner["$ref"].rpartition("/")[2], {})
        inner = {**target, **{key: value for key, value in inner.items() if key != "$ref"}}
    if "anyOf" not in inner:
        return inner, False
    options = [_resolved(option, schema)[0] for option in inner["anyOf"]]
    kept = [option for option in options if option.get("type") != "null"]
    if len(kept) == 1:
        return {**kept[0], KEY: inner.get(KEY, {})}, len(kept) < len(options)
    return {"anyOf": kept}, len(kept) < len(options)


def _kind(inner: Schema, labels: Schema) -> str:
    if "kind" in labels:
        return str(labels["kind"])
    if _values(inner):
        return "choice"
    if "anyOf" in inner:
        rest = [option for option in inner["anyOf"] if not _values(option)]
        is_union = len(rest) == 1 and rest[0].get("type") == "integer"
        return "choice-or-integer" if is_union else "json"
    if inner.get("type") == "string":
        return (
            "text" if inner.get("maxLength", LINE_CHARACTERS + 1) <= LINE_CHARACTERS else "longtext"
        )
    return TYPED.get(inner.get("type", ""), "json")


def _values(inner: Schema) -> list[Any]:
    return list(inner.get("enum", [inner["const"]] if "const" in inner else []))


def _placeholder(default: Any, labels: Schema) -> str:
    if isinstance(default, bool) or default in (None, ""):
        return str(labels.get("empty", ""))
    return str(default)


def _limits(kind: str, inner: Schema) -> dict[str, str]:
    """Attributes of an input. A limit that excludes its value is left to the server."""
    if kind in ("integer", "number", "choice-or-integer"):
        if "anyOf" in inner:
            inner = next(option for option in inner["anyOf"] if not _values(option))
        least = inner.get("minimum", inner.get("exclusiveMinimum"))
        most = inner.get("maximum", inner.get("exclusiveMaximum"))
        step = "any" if kind == "number" else "1"
        found = {"min": least, "max": most, "step": step}
    else:
        found = {"maxlength": inner.get("maxLength")}
    return {name: f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in found.items() if value is not None}  # fmt: skip


def _are_short(choices: tuple[Choice, ...]) -> bool:
    words = sum(len(choice.label.split()) for choice in choices)
    return len(choices) <= MAX_BUTTONS and words <= MAX_BUTTON_WORDS


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Text and code in turn: code stands in backticks, or in double ones if it has backticks."""
    for number, piece in enumerate(re.split(r"``\s?(.+?)\s?``|`([^`]+)`", text)):
        if piece:
            yield piece, number % 3 != 0
