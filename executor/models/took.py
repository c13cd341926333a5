"""How long an execution took, as both databases compute and index it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Coalesce


class TookMs(models.Func):
    """Milliseconds from the first time to the second; null without one of them."""

    arity = 2
    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "CAST(ROUND((%(expressions)s) * 86400000) AS INTEGER)"
        days = [models.Func(part, function="julianday") for part in self._parts()]
        return self._between(days, template, compiler, connection)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "ROUND(EXTRACT(EPOCH FROM (%(expressions)s)) * 1000)::bigint"
        return self._between(self._parts(), template, compiler, connection)

    def _parts(self) -> list[Any]:
        return list(self.get_source_expressions())

    def _between(self, parts: list[Any], template: str, compiler: Any, connection: Any) -> Any:
        copy = self.copy()
        copy.set_source_expressions(parts[::-1])
        return models.Func.as_sql(copy, compiler, connection, template=template, arg_joiner=" - ")


class LessThan(models.Func):
    """(first, second) < (value, other): one comparison of two columns, for which an index of both
    is enough.
    """

    arity = 4
    sign = "<"
    output_field = models.BooleanField()
    conditional = True

    def as_sql(self, compiler: Any, connection: Any, *given: Any, **context: Any) -> Any:
        parts = [compiler.compile(part) for part in self.get_source_expressions()]
        a, b, c, d = (sql for sql, _ in parts)
        values = [value for _, more in parts for value in more]
        return f"({a}, {b}) {self.sign} ({c}, {d})", values


class GreaterThan(LessThan):
    sign = ">"


# As `Execution.duration_ms`: without what a run waited for people or for a time.
TOOK = TookMs("started_at", "completed_at") - Coalesce("waited_ms", 0)
