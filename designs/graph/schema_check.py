"""Holds values against a JSON Schema at a bounded cost, whatever the schema and the value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from designs.graph.meter import MAX_CHARACTERS, MAX_ELEMENTS
from designs.graph.misfits import Misfit, first_misfits
from designs.graph.report import Report
from designs.graph.schema_parts import weight_of_depth, weight_of_text, weight_of_values
from designs.graph.schemas import check_references, compile_schema
from designs.graph.text_cost import text_cost

MAX_MISFITS = 50
# Units of work (see schema_parts) that one check may cost: about a twentieth of a second.
MAX_UNITS = 4_000_000
# A pattern reads so many characters in one unit.
CHARACTERS_PER_UNIT = 4
# To find equal entries, all that they hold is written out.
UNITS_PER_COMPARED = 16
# Numbers beyond these have many digits: to divide them costs as much as so many other values.
_MIN_USUAL, _MAX_USUAL = 1e-15, 1e15
LONG_NUMBER = 64

TOO_MUCH = (
    "This holds too many values, or too much text, to be held against so large a schema. "
    "Send less at once, or make the schema simpler."
)


class SchemaCheck:
    """A schema ready to judge values. Raises ValueError for what is no schema."""

    __slots__ = (
        "_depth_weight", "_is_cheap", "_refusal", "_schema", "_text_weight", "_validator",
        "_value_weight",
    )  # fmt: skip

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._validator = compile_schema(schema)
        self._refusal = _refusal(schema)
        self._value_weight = weight_of_values(schema)
        self._text_weight = weight_of_text(schema)
        self._depth_weight = weight_of_depth(schema)
        # No value of a run is larger than what an expression may make.
        self._is_cheap = (
            not self._depth_weight and self._units(MAX_ELEMENTS, MAX_CHARACTERS) <= MAX_UNITS
        )

    def misfits(self, value: Any, most: int = MAX_MISFITS) -> list[Misfit]:
        """Why the value does not fit, up to `most` reasons; none if it fits."""
        if self._refusal is not None:
            return [Misfit((), self._refusal)]
        if not self._is_affordable(value):
            return [Misfit((), TOO_MUCH)]
        if self._validator.is_valid(value):
            return []
        return first_misfits(self._schema, value, most)

    def _is_affordable(self, value: Any) -> bool:
        if self._is_cheap:
            return True
        values = characters = compared = depth = 0
        level = [value]
        while level:
            values += sum(map(_weight_of_value, level))
            written = sum(map(_characters, level))
            characters += written
            # It is compared along with each value around it.
            compared += depth * (len(level) * UNITS_PER_COMPARED + written // CHARACTERS_PER_UNIT)
            level = [inner for item in level for inner in _inside(item)]
            depth += 1
            if self._units(values + len(level), 0) + compared * self._depth_weight > MAX_UNITS:
                return False
        return self._is_affordable_text(value, values, characters)

    def _is_affordable_text(self, value: Any, values: int, characters: int) -> bool:
        if self._units(values, characters) <= MAX_UNITS:
            return True
        # Dear patterns often judge short texts beside long ones that they do not judge.
        left = MAX_UNITS - self._units(values, 0)
        return text_cost(self._schema, value, left * CHARACTERS_PER_UNIT) is not None

    def _units(self, values: int, characters: int) -> int:
        of_text = characters * self._text_weight // CHARACTERS_PER_UNIT
        return values * self._value_weight + of_text


def _weight_of_value(value: Any) -> int:
    is_usual = not isinstance(value, float) or not value or _MIN_USUAL <= abs(value) <= _MAX_USUAL
    return 1 if is_usual else LONG_NUMBER


def _characters(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    return sum(map(len, value)) if isinstance(value, dict) else 0


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refusal(schema: dict[str, Any]) -> str | None:
    """Why nothing is held against a schema, accepted before the rules on references were."""
    report = Report()
    check_references(schema, "", report)
    found = report.problems()
    return found[0].message if found else None
