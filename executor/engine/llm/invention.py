"""Makes a value that fits a JSON Schema from the words of a prompt; deterministic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from designs.patterns.prompts import INSTRUCTION
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.material import material_of
from executor.engine.llm.pattern_text import text_for
from executor.engine.llm.structured import SchemaUnusable, problems
from executor.engine.llm.wording import mentions, overlap, plain, sentences, shortened, stems

Schema = dict[str, Any]

MAX_DEPTH = 24
# Beyond this depth or number of values only required properties are made, as a schema may refer to
# itself.
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

    It may not fit, as some schemas have no obvious value.
    """
    return _Inventor(schema, request).make(schema, "", 0, 0)


class _Inventor:
    def __init__(self, root: Schema, request: ModelRequest) -> None:
        self.root = root
        self.texts = [(p.label, plain(p.value)) for p in request.parts if p.label != INSTRUCTION]
        self.task = self.texts[0][1] if self.texts else ""
        self.material = material_of(request.parts)
        texts = [request.system, *(text for _, text in self.texts)]
        self.lines = "\n".join(texts).splitlines()
        self.sentences = sentences(self.material) or ["nothing"]
        self.made = 0

    def make(self, schema: Any, name: str, turn: int, depth: int) -> Any:
        """`turn` is the index in a list, so that its items differ."""
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
                # The first alternative that fits and is not null, else the first.
                shared: Schema = {key: value for key, value in schema.items() if key != word}
                made = [
                    self.make(_merged(shared, self._flat(option, depth)), name, turn, depth + 1)
                    for option in schema[word]
                    if isinstance(option, dict)
                ]
                fitting = [v for v in made if v is not None and self._fits(v, schema)]
                return (fitting or made or [None])[0]
        return self._of_type(schema, name, turn, depth)

    def _of_type(self, schema: Schema, name: str, turn: int, depth: int) -> Any:
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
        """Options, ordered by how much the lines about each share with the rest of the prompt."""
        names = [str(option).lower() for option in options]
        about = [[line for line in self.lines if mentions(line, name)] for name in names]
        used = {line for lines in about for line in lines}
        rest = stems("\n".join([self.task, *(line for line in self.lines if line not in used)]))
        for place, name in enumerate(names):
            about[place] += [text for label, text in self.texts if mentions(label, name)]
        scores = [
            len(set(stems("\n".join([name.replace("_", " "), *lines]))) & set(rest))
            for name, lines in zip(names, about, strict=True)
        ]
        order = sorted(range(len(options)), key=lambda place: (-scores[place], place))
        return [options[place] for place in order]

    def _flat(self, schema: Schema, depth: int) -> Schema:
        """The schema with references within the document resolved and `allOf` merged."""
        for _ in range(MAX_DEPTH):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            target: Any = self.root
            for step in reference.removeprefix("#").strip("/").split("/"):
                key = step.replace("~1", "/").replace("~0", "~")
                if key:
                    target = target.get(key) if isinstance(target, dict) else None
            schema = {**target, **rest} if isinstance(target, dict) else rest
        for part in schema.get("allOf", ()):
            schema = _merged(schema, self._flat(part, depth + 1) if depth < MAX_DEPTH else {})
        return schema

    def _fits(self, value: Any, schema: Schema) -> bool:
        shared: Schema = {
            key: self.root[key] for key in ("$defs", "definitions") if key in self.root
        }
        try:
            return not problems(value, {**shared, **schema})
        except SchemaUnusable:
            return False

    def _object(
        self, schema: Schema, turn: int, depth: int, values: dict[str, Any]
    ) -> dict[str, Any]:
        properties = schema.get("properties", {})
        required = schema.get("required", [])
        full = depth < FULL_DEPTH and self.made < FULL_VALUES
        wanted = [key for key in properties if full or key in required]
        wanted += [key for key in required if key not in properties]
        made = {
            key: values[key]
            if key in values
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
        min_items = max(schema.get("minItems", 1) - len(made), 0)
        # The properties that name one of several options: a worker, a route.
        choices = [
            (key, options)
            for key, value in item.get("properties", {}).items()
            if isinstance(value, dict)
            and isinstance(options := self._flat(value, depth).get("enum"), list)
            and options
        ]
        if "enum" in item:
            made += self.ranked(item["enum"])[: max(min_items, 1)]
        elif choices:
            key, options = choices[0]
            for turn in range(max(min_items, min(len(options), MAX_ITEMS))):
                values = {key: options[turn % len(options)]}
                made.append(self._object(item, turn, depth + 1, values))
        else:
            count = max(min_items, min(len(self.sentences), USUAL_ITEMS))
            made += [self.make(item, name, turn, depth + 1) for turn in range(min(count, 100))]
        if schema.get("uniqueItems"):
            made = [value for place, value in enumerate(made) if value not in made[:place]]
        return made[: min(schema.get("maxItems", MAX_ITEMS), 100)]

    def _string(self, schema: Schema, name: str, turn: int) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if "reason" in name or "rationale" in name:
            words = set(stems(self.material))
            shared = list(dict.fromkeys(word for word in stems(self.task) if word in words))
            text = f"The stand-in chose by shared words: {', '.join(shared[:5]) or 'none'}."
        elif "feedback" in name or "critique" in name:
            words = set(stems(self.material))
            missing = list(dict.fromkeys(word for word in stems(self.task) if word not in words))
            text = f"Say more of: {', '.join(missing[:5])}." if missing else "Nothing is missing."
        else:
            is_task = "task" in name or "instruction" in name
            lines = (sentences(self.task) if is_task else []) or self.sentences
            text = lines[turn % len(lines)]
        text = shortened(text, STRING_WORDS)
        min_length: int = schema.get("minLength", 0)
        while text and len(text) < min_length <= 100_000:
            text = f"{text} {text}"
        text = text[: schema.get("maxLength", 1_000_000)]
        pattern = schema.get("pattern")
        if isinstance(pattern, str):
            # The text, or the first simple one that the pattern takes.
            slug = "_".join(stems(text)) or "a"
            repeated = (letter * max(min_length, 1) for letter in "aA1")
            rule: Schema = {"type": "string", "pattern": pattern, "minLength": min_length}
            made = text_for(pattern)
            for candidate in (text, slug, slug.split("_")[0], *_SHAPES, *repeated, made):
                if not problems(candidate, rule):
                    return candidate
        return text


def _number(schema: Schema, share: float, turn: int, *, whole: bool, scored: bool) -> float | int:
    """Within the bounds: a score at the share of its range, others from the minimum upwards."""
    step = float(schema.get("multipleOf") or (1 if whole else 0))
    minimum: Any = schema.get("minimum", schema.get("exclusiveMinimum", 0 if scored else 1))
    maximum: Any = schema.get(
        "maximum", schema.get("exclusiveMaximum", 100 if scored else math.inf)
    )
    low, high = float(minimum), float(maximum)
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
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema or "minProperties" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema or "minItems" in schema:
        return "array"
    numeric = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
    return "number" if any(word in schema for word in numeric) else "string"


def _merged(schema: Schema, other: Schema) -> Schema:
    """An approximation of a schema that demands both."""
    merged = {**schema, **other}
    if "properties" in schema and "properties" in other:
        merged["properties"] = {**schema["properties"], **other["properties"]}
    if "required" in schema and "required" in other:
        merged["required"] = list(dict.fromkeys([*schema["required"], *other["required"]]))
    return merged
