"""Every address of pages, admin and API with rows behind it, and what the database holds."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.access_routes import World, address, routes
from tests.admin_pages import url_of
from tests.orchestra.admin_rows import make

# Sessions, the note of a key's last use, and what is recorded of people are no state of what they
# work on.
NOT_COUNTED = {"sessions.Session", "designs.AuditEntry"}
NOTES = {"last_used_at", "last_used_address"}
OF_THE_ADMIN = ("index", "login", "logout", "password_change", "jsi18n", "autocomplete", "search")
FOR_EVERYBODY = ("/sign-in/", "/sign-out/")


def page_addresses(world: World) -> list[str]:
    """Of all pages outside the admin."""
    found = {address(route, world) for route in routes() if not route.is_api}
    return sorted(found | set(FOR_EVERYBODY))


def api_calls(world: World) -> list[tuple[str, str]]:
    """Method and address of each call of the API."""
    return sorted({(route.method, address(route, world)) for route in routes() if route.is_api})


def admin_addresses() -> list[str]:
    """Of every list, form and verb of the admin; makes a row for each model."""
    found = [reverse(f"admin:{name}") for name in OF_THE_ADMIN]
    for model, page in admin.site._registry.items():
        row = make(model, 1)[0]
        found += [url_of(model, name) for name in ("changelist", "add")]
        found += [url_of(row, name) for name in ("change", "delete", "history")]
        verbs: Any = getattr(page, "actions_detail", ())
        found += [url_of(row).replace("/change/", f"/{path}/") for path in _paths(page, verbs)]
        if model is User:
            found.append(f"/admin/auth/user/{row.pk}/password/")
    return found


def _paths(page: Any, verbs: Any) -> list[str]:
    names: list[str] = []
    for verb in verbs:
        names += verb["items"] if isinstance(verb, dict) else [verb]
    return [getattr(getattr(page, name), "url_path", None) or name for name in names]


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all models."""
    return {
        model._meta.label: sorted(_rows(model), key=repr)
        for model in apps.get_models(include_auto_created=True)
        if model._meta.label not in NOT_COUNTED
    }


def _rows(model: Any) -> list[tuple[Any, ...]]:
    """As they are stored: a decrypted value would not say that it was encrypted anew."""
    quoted = connection.ops.quote_name
    names = [field.column for field in model._meta.concrete_fields if field.name not in NOTES]
    columns = ", ".join(map(quoted, names))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {quoted(model._meta.db_table)}")  # noqa: S608
        return list(cursor.fetchall())


def send(browser: Client, method: str, url: str) -> int:
    """The status; what streams is not read."""
    answer = browser.generic(method, url)
    if getattr(answer, "streaming", False):
        answer.close()
    return answer.status_code
