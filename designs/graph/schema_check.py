"""Validates values by a JSON Schema at a bounded cost, whatever the schema and the value."""

from __future__ import annotations

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
# Characters that a pattern reads in one unit.
CHARACTERS_PER_UNIT = 4
# Finding equal entries writes out all of their contents.
UNITS_PER_COMPARED = 16
# Each list or object among these is copied and written out on its own.
UNITS_PER_CONTAINER = 100
# Dividing a number outside of this range, with its many digits, costs as much as LONG_NUMBER
# other values.
_MIN_USUAL, _MAX_USUAL = 1e-15, 1e15
LONG_NUMBER = 64

TOO_MUCH = (
    "This holds too many values, or too much text, to be held against so large a schema. "
    "Send less at once, or make the schema simpler."
)


class SchemaCheck:
    """A compiled schema. Raises ValueError for an invalid one."""

    __slots__ = (
        "_depth_weight", "_is_cheap", "_refusals", "_schema", "_text_weight", "_validator",
        "_value_weight",
    )  # fmt: skip

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._validator = compile_schema(schema)
        # A schema may have been accepted before the rules on references existed.
        report = Report()
        check_references(schema, "", report)
        self._refusals = [Misfit((), problem.message) for problem in report.problems()[:1]]
        self._value_weight = weight_of_values(schema)
        self._text_weight = weight_of_text(schema)
        self._depth_weight = weight_of_depth(schema)
        # No value of a run is larger than the largest result of an expression.
        self._is_cheap = (
            not self._depth_weight and self._units(MAX_ELEMENTS, MAX_CHARACTERS) <= MAX_UNITS
        )

    def misfits(self, value: Any, most: int = MAX_MISFITS) -> list[Misfit]:
        """Up to `most` errors of the value; none if it fits."""
        if self._refusals:
            return self._refusals
        if not (self._is_cheap or self._is_affordable(value)):
            return [Misfit((), TOO_MUCH)]
        if self._validator.is_valid(value):
            return []
        return first_misfits(self._schema, value, most)

    def _is_affordable(self, value: Any) -> bool:
        values = characters = compared = depth = 0
        level = [value]
        while level:
            values += len(level)
            deeper: list[Any] = []
            written = containers = 0
            for item in level:
                if isinstance(item, str):
                    written += len(item)
                elif isinstance(item, dict):
                    written += sum(map(len, item))
                    deeper.extend(item.values())
                    containers += 1
                elif isinstance(item, list):
                    deeper.extend(item)
                    containers += 1
                elif isinstance(item, float) and item and not _MIN_USUAL <= abs(item) <= _MAX_USUAL:
                    values += LONG_NUMBER - 1
            characters += written
            # A value is compared again for each level around it.
            compared += depth * (len(level) * UNITS_PER_COMPARED + written // CHARACTERS_PER_UNIT)
            compared += containers * UNITS_PER_CONTAINER
            level = deeper
            depth += 1
            if self._units(values + len(level), 0) + compared * self._depth_weight > MAX_UNITS:
                return False
        # Expensive patterns often apply to the short texts of a value only.
        left = (MAX_UNITS - self._units(values, 0)) * CHARACTERS_PER_UNIT
        return (
            self._units(values, characters) <= MAX_UNITS
            or text_cost(self._schema, value, left) is not None
        )

    def _units(self, values: int, characters: int) -> int:
        of_text = characters * self._text_weight // CHARACTERS_PER_UNIT
        return values * self._value_weight + of_text
