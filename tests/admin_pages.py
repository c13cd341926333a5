"""Fills in pages of the admin as a browser would: what the form shows is what is sent."""

from __future__ import annotations

from typing import Any

from django.forms import MultiWidget
from django.test import Client
from django.urls import reverse


def url_of(row: Any, page: str = "change") -> str:
    """A page of a row, or of a model (`add`, `changelist`)."""
    meta = row._meta
    arguments = [] if page in ("add", "changelist") else [row.pk]
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=arguments)


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """The data of the page's form with its inlines, with some values changed."""
    data: dict[str, Any] = {}
    for bound in page.context["adminform"].form:
        data.update(_values(bound.html_name, bound.field.widget, bound.value()))
    for inline in page.context["inline_admin_formsets"]:
        form = inline.formset.management_form
        data.update({form.add_prefix(name): value for name, value in form.initial.items()})
    data.update(changes)
    return {name: value for name, value in data.items() if value is not None}


def _values(name: str, widget: Any, value: Any) -> dict[str, Any]:
    inner = getattr(widget, "widget", widget)
    if isinstance(inner, MultiWidget):
        parts = value if isinstance(value, list) else inner.decompress(value)
        return {f"{name}_{number}": part or "" for number, part in enumerate(parts)}
    if getattr(inner, "allow_multiple_selected", False) and not value:
        return {}
    if isinstance(value, bool):
        return {name: "on"} if value else {}
    if isinstance(value, list | tuple):
        return {name: [getattr(item, "pk", item) for item in value]}
    return {name: "" if value is None else getattr(value, "pk", value)}


def saved(browser: Client, url: str, **changes: Any) -> Any:
    """Open the form, change some values, send it, and follow to where it leads."""
    return browser.post(url, filled(browser.get(url), **changes), follow=True)


def act(browser: Client, row: Any, action: str, *rows: Any, **more: Any) -> Any:
    """Choose an action for rows of a list, and follow to where it leads."""
    chosen = [str(one.pk) for one in (row, *rows)]
    data = {"action": action, "_selected_action": chosen, **more}
    return browser.post(url_of(row, "changelist"), data, follow=True)


def text_of(page: Any) -> str:
    return page.content.decode()
