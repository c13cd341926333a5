"""How all lists of the API answer: what may be asked for in the address, and pages of bounded size.

An address that asks for something that there is not is refused: a misspelt filter would else
answer with everything.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import django_filters
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination, LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.utils.urls import replace_query_param

from designs.api.base import ApiView
from designs.api.renderers import to_json
from designs.rows.bounded import fill_page

LINK = {"type": ["string", "null"], "format": "uri"}
MAX_PAGE_LENGTH = 500
# Beyond it no list goes on.
FARTHEST = 1_000_000_000


def page_schema(rows: dict[str, Any]) -> dict[str, Any]:
    """How every list is described in the OpenAPI document."""
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
    """`limit` and `offset`; lists answer `{results, next, previous}`."""

    default_limit = 50
    max_limit = MAX_PAGE_LENGTH
    names = ("limit", "offset")


class CursorPages(_Links, CursorPagination):
    """Newest first, by cursor: the thousandth page costs what the first does."""

    ordering = ("-id",)
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_LENGTH
    names = ("limit", "cursor")


class BoundedPages(Pages):
    """By `limit` and `offset`, ended early where the bytes of a page are spent."""

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
    """By id, ended early where the bytes of a page are spent; the cursor goes on from there."""

    def answer(
        self,
        rows: QuerySet[Any, Any],
        request: Request,
        *,
        large: Sequence[Any],
        show: Callable[[list[Any]], list[Any]],
    ) -> Response:
        """One page of the rows, whose key is a UUID."""
        self.base_url = request.build_absolute_uri()
        cursor = self.decode_cursor(request)
        reverse = cursor is not None and bool(cursor.reverse)
        position = None if cursor is None else _position(str(cursor.position))
        if position is not None:
            rows = rows.filter(pk__gt=position) if reverse else rows.filter(pk__lt=position)
        taken, shown, has_more = fill_page(
            rows.order_by("pk" if reverse else "-pk"),
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

    def _link(self, at: list[uuid.UUID], reverse: bool) -> str | None:
        position: Any = str(at[0]) if at else None
        return self.encode_cursor(Cursor(0, reverse, position)) if at else None


def _position(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise NotFound("There is no such cursor.") from error


def weigh(shown: Any) -> int:
    """The bytes of a row in an answer."""
    return len(to_json(shown))


# --- What may be asked for ------------------------------------------------------------------------


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
    """One page of the rows, each in that shape. Raises ValidationError.

    Columns that may be `large` are read as far as the bytes of a page reach, for which the pages
    have to be bounded ones. `more` is what the shape needs besides its rows.
    """
    rows = chosen_rows(view, pages, rows, filters)

    def show(found: list[Any]) -> list[Any]:
        context = {"caller": view.caller, **(more(found) if more else {})}
        return list(shape(found, many=True, context=context).data)

    if isinstance(pages, BoundedPages | BoundedCursorPages):
        return pages.answer(rows, view.request, large=large, show=show)
    page: Any = pages.paginate_queryset(rows, view.request, view=view) or []
    return pages.get_paginated_response(show(page))


def chosen_rows(
    view: ApiView,
    pages: Pages | CursorPages | None,
    rows: QuerySet[Any, Any],
    filters: type[django_filters.FilterSet] | None = None,
) -> Any:
    """The rows that the address asks for. Raises ValidationError for what it cannot ask."""
    asked = view.request.query_params
    names = {*(pages.names if pages else ()), *(filters.base_filters if filters else ())}
    errors = {name: [_unknown(names)] for name in sorted(set(asked) - names)}
    for name, (least, most) in (("limit", (1, MAX_PAGE_LENGTH)), ("offset", (0, FARTHEST))):
        if name in asked and name in names and not _is_number(asked[name], least, most):
            errors[name] = [f"Write a whole number from {least} to {most}."]
    several = _taking_several(filters)
    for name in sorted(names - several):
        if len(asked.getlist(name)) > 1:
            errors[name] = ["This is given several times, and only one can count. Give it once."]
    found = None if filters is None else filters(asked, queryset=rows)
    if found is not None and not found.is_valid():
        errors.update({name: _sentences(found.form, name) for name in found.errors})
    if errors:
        raise ValidationError(errors)
    return rows if found is None else found.qs


def _taking_several(filters: type[django_filters.FilterSet] | None) -> set[str]:
    """The filters of which any of the given values may hold."""
    kinds = {} if filters is None else filters.base_filters
    return {
        name
        for name, kind in kinds.items()
        if isinstance(kind, django_filters.MultipleChoiceFilter)
    }


def _unknown(names: set[str]) -> str:
    known = f" There are: {', '.join(sorted(names))}." if names else ""
    return f"There is no such filter.{known}"


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most


def _sentences(form: Any, name: str) -> list[str]:
    choices = getattr(form.fields.get(name), "choices", None)
    if choices is None:
        return [str(text) for text in form.errors[name]]
    return [f"Choose one of {', '.join(str(value) for value, _ in choices if value)}."]
