"""Makes a value that fits a JSON Schema from the words of a prompt; deterministic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from designs.patterns.prompts import INSTRUCTION
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.material import material_of
from executor.engine.llm.structured import SchemaUnusable, problems
from executor.engine.llm.wording import mentions, overlap, plain, sentences, shortened, stems

Schema = dict[str, Any]

MAX_DEPTH = 24
# Beyond this depth, or so many values, only what is required is made: a schema may refer to itself.
FULL_DEPTH = 4
FULL_VALUES = 500
MAX_ITEMS = 8
USUAL_ITEMS = 3
STRING_WORDS = 30

SCORES = ("score", "rating", "confidence", "quality")

_FORMATS = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "PT1S",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_SHAPES = ("2000-01-01", "00:00", "a", "A", "1", "0", "a1", "A1", "abc", "ABC", "1.0", "+100000000")


def invent(schema: Schema, request: ModelRequest) -> Any:
    """A value for a valid schema: options by overlap, texts from the prompt, scores from the draft.

    It may not fit: some schemas cannot be met by looking at them.
    """
    return _Inventor(schema, request).make(schema, "", 0, 0)


class _Inventor:
    def __init__(self, root: Schema, request: ModelRequest) -> None:
        self.root = root
        self.texts = [(p.label, plain(p.value)) for p in request.parts if p.label != INSTRUCTION]
        self.task = self.texts[0][1] if self.texts else ""
        self.material = material_of(request.parts)
        self.lines = [
            *request.system.splitlines(),
            *"\n".join(t for _, t in self.texts).splitlines(),
        ]
        self.sentences = sentences(self.material) or ["nothing"]
        self.made = 0

    def make(self, schema: Any, name: str, turn: int, depth: int) -> Any:
        """`turn` is the place in a list, so that its items differ."""
        if not isinstance(schema, dict) or depth > MAX_DEPTH:
            return None
        self.made += 1
        schema = self._flat(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.ranked(schema["enum"])[0]
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self._alternative(schema, word, name, turn, depth)
        return self._typed(schema, name, turn, depth)

    def _typed(self, schema: Schema, name: str, turn: int, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return self._object(schema, turn, depth, {})
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name, turn)
            case "integer" | "number" as kind:
                scored = any(word in name for word in SCORES)
                share = overlap(stems(self.task), stems(self.material)) if scored else 0.0
                return _number(schema, share, turn, whole=kind == "integer", scored=scored)
            case "boolean":
                return True
            case _:
                return None

    def ranked(self, options: Sequence[Any]) -> list[Any]:
        """Options by how much of what the prompt says of each is said in the rest of the prompt."""
        names = [str(option).lower() for option in options]
        about = [[line for line in self.lines if mentions(line, name)] for name in names]
        told = {line for lines in about for line in lines}
        rest = stems("\n".join([self.task, *(line for line in self.lines if line not in told)]))
        for place, name in enumerate(names):
            about[place] += [text for label, text in self.texts if mentions(label, name)]
        scores = [
            len(set(stems("\n".join([name.replace("_", " "), *lines]))) & set(rest))
            for name, lines in zip(names, about, strict=True)
        ]
        order = sorted(range(len(options)), key=lambda place: (-scores[place], place))
        return [options[place] for place in order]

    def _flat(self, schema: Schema, depth: int) -> Schema:
        """References within the document followed, `allOf` merged."""
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._target(reference), **rest}
        for part in schema.get("allOf", ()):
            schema = _merged(schema, self._flat(part, depth + 1) if depth < MAX_DEPTH else {})
        return schema

    def _target(self, reference: str) -> Schema:
        found: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if key:
                found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _alternative(self, schema: Schema, word: str, name: str, turn: int, depth: int) -> Any:
        """The first alternative that fits and is not null, else the first."""
        shared: Schema = {key: value for key, value in schema.items() if key != word}
        made = [
            self.make(_merged(shared, self._flat(option, depth)), name, turn, depth + 1)
            for option in schema[word]
            if isinstance(option, dict)
        ]
        fitting = [value for value in made if value is not None and self._fits(value, schema)]
        return (fitting or made or [None])[0]

    def _fits(self, value: Any, schema: Schema) -> bool:
        shared: Schema = {
            key: self.root[key] for key in ("$defs", "definitions") if key in self.root
        }
        try:
            return not problems(value, {**shared, **schema})
        except SchemaUnusable:
            return False

    def _object(
        self, schema: Schema, turn: int, depth: int, given: dict[str, Any]
    ) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        full = depth < FULL_DEPTH and self.made < FULL_VALUES
        wanted = [key for key in properties if full or key in required]
        wanted += [key for key in required if key not in properties]
        made = {
            key: given[key]
            if key in given
            else self.make(properties.get(key, {}), key, turn, depth + 1)
            for key in wanted
        }
        extra = schema.get("additionalProperties")
        while len(made) < min(schema.get("minProperties", 0), 100):
            key = f"item{len(made) + 1}"
            made[key] = self.make(
                extra if isinstance(extra, dict) else {}, key, len(made), depth + 1
            )
        return made

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        prefix = schema.get("prefixItems", [])
        made = [self.make(item, name, turn, depth + 1) for turn, item in enumerate(prefix)]
        item = schema.get("items", {})
        if item is False or (depth >= FULL_DEPTH and not schema.get("minItems")):
            return made
        item = self._flat(item, depth) if isinstance(item, dict) else {}
        most = min(schema.get("maxItems", MAX_ITEMS), 100)
        made += self._items(item, name, depth, max(schema.get("minItems", 1) - len(made), 0))
        return _different(made)[:most] if schema.get("uniqueItems") else made[:most]

    def _items(self, item: Schema, name: str, depth: int, least: int) -> list[Any]:
        """One item for each option a property of it allows; the best option; or one a sentence."""
        if "enum" in item:
            return self.ranked(item["enum"])[: max(least, 1)]
        choice = self._choice(item, depth)
        if choice is not None:
            key, options = choice
            count = max(least, min(len(options), MAX_ITEMS))
            return [
                self._object(item, turn, depth + 1, {key: options[turn % len(options)]})
                for turn in range(count)
            ]
        count = max(least, min(len(self.sentences), USUAL_ITEMS))
        return [self.make(item, name, turn, depth + 1) for turn in range(min(count, 100))]

    def _choice(self, item: Schema, depth: int) -> tuple[str, list[Any]] | None:
        """The first property of an item that names one of several options (a worker, a route)."""
        for key, value in item.get("properties", {}).items():
            options = self._flat(value, depth).get("enum") if isinstance(value, dict) else None
            if isinstance(options, list) and len(options) > 0:
                return key, options
        return None

    def _string(self, schema: Schema, name: str, turn: int) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = shortened(self._phrase(name, turn), STRING_WORDS)
        least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000_000)
        while text and len(text) < least <= 100_000:
            text = f"{text} {text}"
        text = text[:most]
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            return _shaped(pattern, text, least)
        return text

    def _phrase(self, name: str, turn: int) -> str:
        """What a property of this name may say."""
        if "reason" in name or "rationale" in name:
            shared = list(
                dict.fromkeys(w for w in stems(self.task) if w in set(stems(self.material)))
            )
            return f"The stand-in chose by shared words: {', '.join(shared[:5]) or 'none'}."
        if "feedback" in name or "critique" in name:
            known = set(stems(self.material))
            missing = list(dict.fromkeys(word for word in stems(self.task) if word not in known))
            return f"Say more of: {', '.join(missing[:5])}." if missing else "Nothing is missing."
        asked = sentences(self.task) if "task" in name or "instruction" in name else []
        found = asked or self.sentences
        return found[turn % len(found)]


def _number(schema: Schema, share: float, turn: int, *, whole: bool, scored: bool) -> float | int:
    """Within the bounds: a score at the share of its range, others from the least upwards."""
    step = float(schema.get("multipleOf") or (1 if whole else 0))
    least: Any = schema.get("minimum", schema.get("exclusiveMinimum", 0 if scored else 1))
    most: Any = schema.get("maximum", schema.get("exclusiveMaximum", 100 if scored else math.inf))
    low, high = float(least), float(most)
    room = high - low if math.isfinite(high) else 1.0
    if "exclusiveMinimum" in schema:
        low += step or room / 1000
    if "exclusiveMaximum" in schema:
        high -= step or room / 1000
    if not step:
        return round(min(low + (share * room if scored else turn), high), 6)
    first = math.ceil(low / step) * step
    steps = math.floor(share * room / step) if scored else turn
    value = min(first + steps * step, max(first, high))
    return round(value) if whole else round(value, 6)


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema or "minProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema or "minItems" in schema:
        return "array"
    numeric = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(word in schema for word in numeric) else "string"


def _merged(one: Schema, other: Schema) -> Schema:
    """Both schemas at once, as far as one can tell from their words."""
    joined = {**one, **other}
    if "properties" in one and "properties" in other:
        joined["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        joined["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
    return joined


def _shaped(pattern: str, text: str, least: int) -> str:
    """The text, or a simple text of the asked shape, whichever the pattern takes."""
    slug = "_".join(stems(text)) or "a"
    for candidate in (
        text,
        slug,
        slug.split("_")[0],
        *_SHAPES,
        *(s * max(least, 1) for s in "aA1"),
    ):
        if not problems(candidate, {"type": "string", "pattern": pattern, "minLength": least}):
            return candidate
    return text


def _different(values: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept
