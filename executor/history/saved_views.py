"""Saved views of the history: filters that a person keeps under a name."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import QueryDict

from designs.access import Caller
from executor.errors import ViewNotSaved
from executor.models import SavedView
from executor.models.saved_view import MAX_QUERY, MAX_VIEWS

# The place in the pages is no part of a view.
LEFT_OUT = ("before", "after")
MAX_NAME = 80


def views_of(caller: Caller) -> Any:
    return SavedView.objects.filter(user=caller.user_id)


def save_view(*, caller: Caller, name: str, query: str) -> SavedView:
    """Keep the query string under the name; a view of that name is replaced. Raises
    ViewNotSaved.
    """
    name, query = " ".join(name.replace("\0", "").split()), plain_query(query)
    if not name or len(name) > MAX_NAME:
        raise ViewNotSaved(f"Give the view a name of up to {MAX_NAME} characters.")
    if len(query) > MAX_QUERY:
        raise ViewNotSaved("These filters are too long to be saved.")
    if caller.user_id is None:
        raise ViewNotSaved("Views belong to people: sign in to save one.")
    with transaction.atomic():
        others = views_of(caller).exclude(name=name).count()
        if others >= MAX_VIEWS:
            raise ViewNotSaved(f"You have {MAX_VIEWS} views, which is the most. Delete one first.")
        view, _ = SavedView.objects.update_or_create(
            user_id=caller.user_id, name=name, defaults={"query": query}
        )
    return view


def plain_query(query: str) -> str:
    try:
        values = QueryDict(query.replace("\0", "").lstrip("?"), mutable=True)
    except Exception as error:  # noqa: BLE001 - too many fields
        raise ViewNotSaved("These filters are too many to be saved.") from error
    for name in list(values):
        kept = [value for value in values.getlist(name) if value]
        if name in LEFT_OUT or not kept:
            del values[name]
        else:
            values.setlist(name, kept)
    return values.urlencode()
