"""Orders of the history, and its pages by keyset in each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, Value

from executor.models import Execution, parse_execution_id
from executor.models.took import TOOK, GreaterThan, LessThan

PAGE_SIZE = 50


@dataclass(frozen=True)
class Order:
    """By a column or expression and then by id. Rows without a value are left out."""

    label: str
    value: Any = None
    has_value: Q = Q()
    descends: bool = True

    def sort(self, rows: Any, *, backwards: bool = False) -> Any:
        sign = "-" if self.descends is not backwards else ""
        if self.value is None:
            return rows.order_by(f"{sign}id")
        rows = rows.filter(self.has_value).annotate(sorted_by=self.value)
        return rows.order_by(f"{sign}sorted_by", f"{sign}id")

    def beyond(self, rows: Any, pk: Any, *, backwards: bool = False) -> Any | None:
        """The sorted rows after that one, or before it. None if it is not there any more."""
        after = "lt" if self.descends is not backwards else "gt"
        if self.value is None:
            return self.sort(rows, backwards=backwards).filter(**{f"pk__{after}": pk})
        value = self.value_of(pk)
        if value is None:
            return None
        compare = LessThan if after == "lt" else GreaterThan
        sorted_rows = self.sort(rows, backwards=backwards)
        field = Execution._meta.pk
        place = compare(F("sorted_by"), F("id"), Value(value), Value(pk, output_field=field))
        return sorted_rows.filter(place)

    def value_of(self, pk: Any) -> Any:
        found = Execution.objects.filter(pk=pk).annotate(sorted_by=self.value).order_by()
        return found.values_list("sorted_by", flat=True).first()


_TIMED = Q(started_at__isnull=False, completed_at__isnull=False)
_PRICED = Q(cost_usd__isnull=False)
NEWEST = "-started"
ORDERS = {
    "-started": Order("Newest first"),
    "started": Order("Oldest first", descends=False),
    "-duration": Order("Longest first", TOOK, _TIMED),
    "duration": Order("Shortest first", TOOK, _TIMED, descends=False),
    "-cost": Order("Dearest first", F("cost_usd"), _PRICED),
    "cost": Order("Cheapest first", F("cost_usd"), _PRICED, descends=False),
}


def page_of_history(
    rows: Any, name: str, *, before: str = "", after: str = "", size: int = PAGE_SIZE
) -> tuple[list[Execution], bool, bool]:
    """One page: (rows, has a previous page, has a next page).

    It follows the execution named `before` (older ones, if sorted by time), or precedes the one
    named `after`; invalid names give the first page.
    """
    order = ORDERS.get(name, ORDERS[NEWEST])
    pk = parse_execution_id(before or after)
    backwards = bool(after)
    found = None if pk is None else order.beyond(rows, pk, backwards=backwards)
    if found is None:
        first = list(order.sort(rows)[: size + 1])
        return first[:size], False, len(first) > size
    page = list(found[: size + 1])
    if backwards:
        return page[:size][::-1], len(page) > size, True
    return page[:size], True, len(page) > size
