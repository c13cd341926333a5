"""Lists of the API: filters, and pages of limited size.

Unknown query parameters are refused: a misspelt filter would otherwise answer with everything.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Sequence
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from designs.api.base import ApiView
from designs.json_text import to_json
from designs.rows.bounded import fill_page

LINK = {"type": ["string", "null"], "format": "uri"}
MAX_PAGE_LENGTH = 500
# Query parameters that are numbers: minimum and maximum.
WHOLE_NUMBERS = {"limit": (1, MAX_PAGE_LENGTH), "offset": (0, 1_000_000_000)}
NUMBER = re.compile("[0-9]{1,11}")


def page_schema(rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["results", "next", "previous"],
        "properties": {"results": rows, "next": LINK, "previous": LINK},
    }


class _Links:
    get_next_link: Callable[[], str | None]
    get_previous_link: Callable[[], str | None]

    def get_paginated_response(self, data: Any) -> Response:
        return Response(
            {"results": data, "next": self.get_next_link(), "previous": self.get_previous_link()}
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(schema)


class Pages(_Links, LimitOffsetPagination):
    """Pages by `limit` and `offset`; the answer is `{results, next, previous}`."""

    default_limit = 50
    max_limit = MAX_PAGE_LENGTH
    names = ("limit", "offset")


class CursorPages(_Links, CursorPagination):
    """Pages by cursor, newest first: the thousandth page costs no more than the first."""

    ordering = ("-id",)
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_LENGTH
    names = ("limit", "cursor")


class BoundedPages(Pages):
    """Pages by `limit` and `offset`, which end early at the maximum bytes of a page."""

    def answer(
        self,
        rows: QuerySet[Any, Any],
        request: Request,
        *,
        large: Sequence[Any],
        show: Callable[[list[Any]], list[Any]],
    ) -> Response:
        self.request = request
        self.limit = self.get_limit(request) or self.default_limit
        self.offset = self.get_offset(request)
        _, shown, has_more = fill_page(
            rows, limit=self.limit, large=large, show=show, weigh=weigh, start=self.offset
        )
        after = self.offset + len(shown)
        self.count = after + has_more
        address = request.build_absolute_uri()
        next_link = replace_query_param(address, "offset", after) if has_more else None
        return Response({"results": shown, "next": next_link, "previous": self.get_previous_link()})


class BoundedCursorPages(CursorPages):
    """Pages by id, which end early at the maximum bytes of a page; the cursor continues there."""

    def answer(
        self,
        rows: QuerySet[Any, Any],
        request: Request,
        *,
        large: Sequence[Any],
        show: Callable[[list[Any]], list[Any]],
    ) -> Response:
        """One page of the rows, whose primary key is a UUID. Raises NotFound for a bad cursor."""
        self.request, self.base_url = request, request.build_absolute_uri()
        cursor = self.decode_cursor(request)
        reverse = cursor is not None and bool(cursor.reverse)
        position = None
        if cursor is not None:
            try:
                position = uuid.UUID(str(cursor.position))
            except ValueError as error:
                raise NotFound("There is no such cursor.") from error
        taken, shown, has_more = fill_page(
            self.beyond(rows, position, reverse),
            limit=self.get_page_size(request) or self.page_size,
            large=large,
            show=show,
            weigh=weigh,
        )
        if reverse:
            taken, shown = taken[::-1], shown[::-1]
        has_older, has_newer = (True, has_more) if reverse else (has_more, position is not None)
        return Response(
            {
                "results": shown,
                "next": self._link(taken[-1:], False) if has_older else None,
                "previous": self._link(taken[:1], True) if has_newer else None,
            }
        )

    def beyond(self, rows: Any, position: uuid.UUID | None, reverse: bool) -> Any:
        """The rows in order, from behind that one on; with `reverse` from before it backwards."""
        if position is not None:
            rows = rows.filter(pk__gt=position) if reverse else rows.filter(pk__lt=position)
        return rows.order_by("pk" if reverse else "-pk")

    def _link(self, at: list[uuid.UUID], reverse: bool) -> str | None:
        position: Any = str(at[0]) if at else None
        return self.encode_cursor(Cursor(0, reverse, position)) if at else None


def weigh(shown: Any) -> int:
    """The size of a row in an answer, in bytes."""
    return len(to_json(shown))


# --- Answers --------------------------------------------------------------------------------------


def answer_page(
    view: ApiView,
    pages: Pages | CursorPages,
    rows: QuerySet[Any, Any],
    shape: type[BaseSerializer[Any]],
    *,
    filters: type[django_filters.FilterSet] | None = None,
    large: Sequence[Any] = (),
    more: Callable[[list[Any]], dict[str, Any]] | None = None,
) -> Response:
    """One page of the rows, each serialized as `shape`. Raises ValidationError.

    Bounded pages need `large`, the columns that may be large. `more` returns additional context for
    serializing a batch of rows.
    """
    rows = filtered_rows(view, pages, rows, filters)

    def show(batch: list[Any]) -> list[Any]:
        context = {"caller": view.caller, **(more(batch) if more else {})}
        return list(shape(batch, many=True, context=context).data)

    if isinstance(pages, BoundedPages | BoundedCursorPages):
        return pages.answer(rows, view.request, large=large, show=show)
    page: Any = pages.paginate_queryset(rows, view.request, view=view) or []
    return pages.get_paginated_response(show(page))


SEVERAL = "This is given several times, and only one can count. Give it once."


def check_names(asked: QueryDict, names: Collection[str]) -> None:
    """For a view that reads its parameters itself. Raises ValidationError."""
    errors = _unknown(asked, names)
    errors |= {name: [SEVERAL] for name in names if len(asked.getlist(name)) > 1}
    if errors:
        raise ValidationError(errors)


def _unknown(asked: QueryDict, names: Collection[str]) -> dict[str, list[str]]:
    known = f" There are: {', '.join(sorted(names))}." if names else ""
    return {name: [f"There is no such filter.{known}"] for name in sorted(set(asked) - set(names))}


def filtered_rows(
    view: ApiView,
    pages: Pages | CursorPages | None,
    rows: QuerySet[Any, Any],
    filters: type[django_filters.FilterSet] | None = None,
) -> Any:
    """The rows that match the query parameters. Raises ValidationError for invalid ones."""
    asked = view.request.query_params
    declared = filters.base_filters if filters else {}
    names = {*(pages.names if pages else ()), *declared}
    errors = _unknown(asked, names)
    for name in sorted(names & set(asked)):
        least, most = WHOLE_NUMBERS.get(name, (0, 0))
        if most and not (NUMBER.fullmatch(asked[name]) and least <= int(asked[name]) <= most):
            errors[name] = [f"Write a whole number from {least} to {most}."]
        takes_several = isinstance(declared.get(name), django_filters.MultipleChoiceFilter)
        if len(asked.getlist(name)) > 1 and not takes_several:
            errors[name] = [SEVERAL]
    if filters is not None:
        # The view has the `caller` that filters ask.
        filtered = filters(asked, queryset=rows, request=view)
        for name, problems in filtered.errors.items():
            choices = getattr(filtered.form.fields.get(name), "choices", None)
            if choices is None:
                errors[name] = [str(problem) for problem in problems]
            else:
                values = ", ".join(str(value) for value, _ in choices if value)
                errors[name] = [f"Choose one of {values}."]
    if errors:
        raise ValidationError(errors)
    return rows if filters is None else filtered.qs
