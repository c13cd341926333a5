"""Odd numbers, ids, dates and texts in each place that a request has: refused, never a fault."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.access_routes import Route, World, address, make_world, routes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_postgres]

# As they stand in an address: NUL, half a surrogate pair, a byte that is no UTF-8, numbers beyond
# 64 bits, digits of other scripts, nothing, and much.
IN_PATHS = (
    "a%00b", "%ED%A0%80", str(10**30), str(2**63), "-1", "%C2%B2", "x" * 3_000,
    str(uuid.UUID(int=0)),
)  # fmt: skip
# The same, and times at the ends of the calendar.
IN_QUERIES = (
    *IN_PATHS, "%FF", "NaN", "0000-01-01", "0001-01-01", "0001-01-01T00:00:00%2B14:00",
    "9999-12-31", "9999-12-31T23:59:59-14:00", "",
)  # fmt: skip
IN_BODIES: tuple[Any, ...] = (
    "a\0b", "\ud800", 10**30, 2**63, -1, 1e308, None, "x" * 20_000, "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", [None], {"": None},
)  # fmt: skip


@pytest.fixture
def somebody(make_user: Callable[..., User]) -> Client:
    make_user("root", "Administrator", is_superuser=True, is_staff=True)
    browser = Client(raise_request_exception=False)
    browser.force_login(User.objects.get(username="root"))
    return browser


def faults(browser: Client, asked: Iterator[tuple[str, str, dict[str, Any]]]) -> list[str]:
    found = []
    for method, url, more in asked:
        answer = browser.generic(method, url, **more)
        if getattr(answer, "streaming", False):
            answer.close()
        if answer.status_code >= 500:
            found.append(f"{answer.status_code} {method} {url[:200]} {str(more.get('data'))[:100]}")
    return found


def _places(route: Route, world: World) -> Iterator[str]:
    """The route's address with each of its places, in turn, held by a format field."""
    path = address(route, world)
    rows = (world.design, world.deployment, world.execution, world.key, world.schedule)
    for value in (*(str(row.pk) for row in rows), world.deployment.endpoint_path):
        if value in path:
            yield path.replace(value, "{}")
    if "number" in route.pattern:
        yield re.sub(r"/1(?=/|$)", "/{}", path)


def test_places_of_paths(somebody: Client) -> None:
    world = make_world(User.objects.get())
    asked = (
        (route.method, place.replace("{}", value), {})
        for route in routes()
        for place in _places(route, world)
        for value in IN_PATHS
    )
    assert faults(somebody, asked) == []


@pytest.fixture
def looked_for(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names that pages and calls look for in addresses, as they do so."""
    names: set[str] = set()

    def noting(original: Callable[..., Any]) -> Callable[..., Any]:
        def look(self: QueryDict, name: Any, *more: Any) -> Any:
            # Those of addresses cannot be changed, unlike copies and what forms send.
            if not self._mutable:
                names.add(str(name))
            return original(self, name, *more)

        return look

    for method in ("__getitem__", "__contains__", "get", "getlist"):
        monkeypatch.setattr(QueryDict, method, noting(getattr(QueryDict, method)))
    return names


def test_queries(somebody: Client, looked_for: set[str]) -> None:
    world = make_world(User.objects.get())
    found, count = [], 0
    for route in routes():
        if route.method != "GET" or not route.name.endswith(("list", "home")):
            continue
        url, done = address(route, world), set[str]()
        looked_for.clear()
        found += faults(somebody, iter([("GET", url, {}), ("GET", f"{url}?no_such=1", {})]))
        # A name may be looked for only where another was given.
        while names := looked_for - done:
            done |= names
            asked = [("GET", f"{url}?{name}={value}", {}) for name in names for value in IN_QUERIES]
            found += faults(somebody, iter(asked))
            count += len(names)
    assert found == []
    assert count > 50


# --- Bodies ---------------------------------------------------------------------------------------


def _fields(schema: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    found = body.get("schema", {})
    if "$ref" in found:
        found = schema["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    return dict(found.get("properties", {}))


def _bodies(world: World) -> Iterator[tuple[str, str, dict[str, Any]]]:
    schema = SchemaGenerator().get_schema(public=True)
    for path, operations in schema["paths"].items():
        url = _filled(path, world)
        for method, operation in operations.items():
            fields = _fields(schema, operation)
            if "/deployed/" in path or "execute" in path:
                continue
            base = {"design_id": str(world.design.pk), "endpoint_path": "/odd", "name": "odd"}
            for field in fields:
                for value in IN_BODIES:
                    known = {key: base[key] for key in base if key in fields and method == "post"}
                    body = json.dumps({**known, field: value})
                    yield method.upper(), url, {"data": body, "content_type": "application/json"}


def _filled(path: str, world: World) -> str:
    own = {"design": world.design, "deployment": world.deployment, "key": world.key}
    kind = next((own[name] for name in own if f"/{name}s/" in path), world.execution)
    path = path.replace("{id}", str(kind.pk)).replace("{pk}", str(kind.pk))
    path = path.replace("{schedule_id}", str(world.schedule.pk)).replace("{number}", "1")
    return re.sub(r"\{\w+\}", str(world.execution.pk), path)


def test_fields_of_bodies(somebody: Client) -> None:
    assert faults(somebody, _bodies(make_world(User.objects.get()))) == []
