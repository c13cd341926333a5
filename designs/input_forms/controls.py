"""The controls of a form, made from a JSON Schema and a value. Plain Python.

Nothing here judges the value: that is for the version's compiled schema. What has no control of its
own is written as JSON in a text field.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from designs.graph.schema_parts import target_of

MAX_CONTROLS = 300
MAX_DEPTH = 6
MAX_OPTIONS = 200
MAX_RADIOS = 5
# A text that may be longer has several lines.
LONG_TEXT = 120
MAX_LABEL, MAX_HELP = 200, 1_000
_MAX_REFERENCES = 20
_FORMATS = {"date": "date", "email": "email", "uri": "url"}

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
Part = dict[str, Any]
Place = tuple[str | int, ...]


class TooMany(Exception):
    """A form with more than MAX_CONTROLS."""


@dataclass(slots=True)
class Option:
    key: str
    label: str
    value: Any
    is_chosen: bool


@dataclass(slots=True)
class Control:
    """A field of the form; `text` is what it shows, `value` what was given (or MISSING)."""

    kind: str
    part: Part
    place: Place
    name: str
    id: str
    label: str
    note: str
    is_required: bool
    value: Any
    text: str = ""
    input_type: str = "text"
    placeholder: str = ""
    options: list[Option] = field(default_factory=list)
    children: list[Control] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    is_focused: bool = False

    @property
    def help(self) -> str:
        return _text(self.part.get("description"), MAX_HELP)

    @property
    def is_row(self) -> bool:
        """An entry of a list."""
        return isinstance(self.place[-1], int)

    @property
    def is_checked(self) -> bool:
        value = self.part.get("default") if self.value is MISSING else self.value
        return value is True

    @property
    def path(self) -> str:
        return pointer(*self.place)

    @property
    def described_by(self) -> str:
        parts = [(self.help, "help"), (self.errors, "error")]
        return " ".join(f"{self.id}-{name}" for given, name in parts if given)

    def walk(self) -> Iterator[Control]:
        yield self
        for child in self.children:
            yield from child.walk()


def controls_of(schema: object, value: Part, prefix: str) -> list[Control] | None:
    """None if the schema does not name fields. Raises TooMany."""
    builder = _Builder(schema if isinstance(schema, dict) else {}, prefix)
    part = builder.resolved(schema)
    if not _has_fields(part):
        return None
    return builder.fields(part, value, (), 1)


def pointer(*place: str | int) -> str:
    """A JSON pointer; unlike those of problems it is never cut, since it names a field."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


class _Builder:
    def __init__(self, schema: Part, prefix: str) -> None:
        self.schema = schema
        self.prefix = prefix
        self.count = 0

    def resolved(self, part: object) -> Part:
        """The part itself, with references followed and `null` left out of what may stand there."""
        found: Part = part if isinstance(part, dict) else {}
        for _ in range(_MAX_REFERENCES):
            inner = self._inner(found)
            if inner is None:
                break
            own = ("title", "description", "default")
            found = inner | {key: found[key] for key in own if key in found}
        return found

    def _inner(self, part: Part) -> Part | None:
        reference = part.get("$ref")
        if isinstance(reference, str):
            target = target_of(self.schema, reference)
            return target if isinstance(target, dict) else {}
        for key in ("anyOf", "oneOf", "allOf"):
            given = part.get(key)
            options = given if isinstance(given, list) else []
            some = [one for one in options if not (_is_null(one) and key != "allOf")]
            if len(some) == 1 and isinstance(some[0], dict):
                return cast(Part, some[0])
        return None

    def fields(self, part: Part, value: Any, place: Place, depth: int) -> list[Control]:
        given = value if isinstance(value, dict) else {}
        required = part.get("required")
        names = required if isinstance(required, list) else []
        return [
            self.control(
                inner, given.get(name, MISSING), (*place, name), name in names, depth, name
            )
            for name, inner in part["properties"].items()
        ]

    def control(
        self, part: object, value: Any, place: Place, is_required: bool, depth: int, label: str
    ) -> Control:
        self.count += 1
        if self.count > MAX_CONTROLS:
            raise TooMany
        found = self.resolved(part)
        kind = "json" if depth > MAX_DEPTH else _kind(found, value)
        control = Control(
            kind=kind,
            part=found,
            place=place,
            name=f"{self.prefix}:{pointer(*place)}",
            id=f"{self.prefix}-{self.count}",
            label=_text(found.get("title"), MAX_LABEL) or label[:MAX_LABEL],
            note=_note(found, kind, is_required, isinstance(place[-1], int)),
            is_required=is_required,
            value=value,
            placeholder=_placeholder(found),
        )
        if kind == "group":
            control.children = self.fields(found, value, place, depth + 1)
        elif kind == "list":
            self._rows(control, depth)
        else:
            _fill(control)
        return control

    def _rows(self, control: Control, depth: int) -> None:
        rows = control.value if isinstance(control.value, list) else []
        for index, row in enumerate(rows):
            place, label = (*control.place, index), f"{control.label}, entry {index + 1}"
            inner = control.part["items"]
            control.children.append(self.control(inner, row, place, True, depth + 1, label))


def _is_null(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "null"


def _has_fields(part: Part) -> bool:
    properties = part.get("properties")
    return isinstance(properties, dict) and bool(properties)


# --- Which control --------------------------------------------------------------------------------


def _kind(part: Part, value: Any) -> str:
    """The control for the part, if it can show the value; else `json`."""
    choices = _choices(part)
    if choices:
        is_known = _is_blank(value) or any(_same(one, value) for _, one in choices)
        return "json" if not is_known else "radios" if len(choices) <= MAX_RADIOS else "select"
    kind = _kind_of_type(part)
    holds = _HOLDS.get(kind)
    return kind if holds is None or _is_blank(value) or isinstance(value, holds) else "json"


_HOLDS: dict[str, Any] = {
    "group": dict, "list": list, "check": bool, "text": str, "number": (int, float, str),
}  # fmt: skip


def _kind_of_type(part: Part) -> str:
    given = part.get("type", "object" if _has_fields(part) else None)
    types = [one for one in (given if isinstance(given, list) else [given]) if one != "null"]
    one = types[0] if len(types) == 1 else None
    if one == "object":
        return "group" if _has_fields(part) else "json"
    if one == "array":
        is_plain = isinstance(part.get("items"), dict) and "prefixItems" not in part
        return "list" if is_plain else "json"
    names = {"boolean": "check", "integer": "number", "number": "number", "string": "text"}
    return names.get(one, "json") if isinstance(one, str) else "json"


def _choices(part: Part) -> list[tuple[str, Any]]:
    """Labels and values if the part is a choice between few values; else empty."""
    if "const" in part:
        return [(_label(part["const"]), part["const"])]
    for key in ("oneOf", "anyOf"):
        options = part.get(key)
        if isinstance(options, list) and all(isinstance(o, dict) and "const" in o for o in options):
            named = [(_text(o.get("title"), MAX_LABEL), o["const"]) for o in options]
            return _few([(name or _label(value), value) for name, value in named])
    enum = part.get("enum")
    values = enum if isinstance(enum, list) else []
    return _few([(_label(one), one) for one in values if one is not None])


def _few(choices: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return choices if len(choices) <= MAX_OPTIONS else []


def _label(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:MAX_LABEL]


def _is_blank(value: Any) -> bool:
    return value is MISSING or value is None


def _same(one: Any, other: Any) -> bool:
    """As JSON: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


# --- What it shows --------------------------------------------------------------------------------


def _fill(control: Control) -> None:
    value = control.value
    if control.kind in ("radios", "select"):
        _fill_choice(control)
    elif control.kind == "json":
        control.text = "" if value is MISSING else json_text(value)
    elif not _is_blank(value):
        control.text = value if isinstance(value, str) else json.dumps(value)
    if control.kind == "text":
        longest = control.part.get("maxLength")
        form = control.part.get("format")
        is_short = _is_number(longest) and cast(int, longest) <= LONG_TEXT
        if "\n" in control.text or "\r" in control.text or not (is_short or form):
            control.kind = "long"
        elif form != "date" or not control.text or _is_day(control.text):
            control.input_type = _FORMATS.get(form, "text") if isinstance(form, str) else "text"


def _fill_choice(control: Control) -> None:
    choices = _choices(control.part)
    control.options = [
        Option(str(index), label, value, _same(value, control.value))
        for index, (label, value) in enumerate(choices)
    ]
    if not control.is_required or _is_blank(control.value) and control.kind == "select":
        blank = Option("", "Not set", control.value, _is_blank(control.value))
        control.options.insert(0, blank)


def _is_day(text: str) -> bool:
    """As a browser's date field can show it."""
    parts = text.split("-")
    return [len(part) for part in parts] == [4, 2, 2] and "".join(parts).isdecimal()


def _text(value: object, longest: int) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _placeholder(part: Part) -> str:
    examples = part.get("examples")
    value = part.get("default")
    if isinstance(examples, list) and examples:
        value = examples[0]
    return _label(value) if isinstance(value, str) or _is_number(value) else ""


_BOUNDS = {
    "number": ("minimum", "maximum", ""),
    "text": ("minLength", "maxLength", " characters"),
    "list": ("minItems", "maxItems", " entries"),
}


def _note(part: Part, kind: str, is_required: bool, is_row: bool) -> str:
    words = []
    if kind in _BOUNDS:
        least, most, noun = _BOUNDS[kind]
        words.append(_span(part.get(least), part.get(most), noun))
    if not is_row and kind != "check":
        words.append("required" if is_required else "optional")
    return ", ".join(word for word in words if word)


def _span(least: object, most: object, noun: str) -> str:
    low = f"{least:,}" if isinstance(least, int) else f"{least:g}" if _is_number(least) else ""
    high = f"{most:,}" if isinstance(most, int) else f"{most:g}" if _is_number(most) else ""
    if noun and low in ("0", "1"):
        low = ""
    if low and high:
        return f"{low} to {high}{noun}"
    return f"up to {high}{noun}" if high else f"{low}{noun} or more" if low else ""
