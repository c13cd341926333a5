"""Every route of pages and API with the methods it has, and an address for the rows of a test."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from deployments.access.keys import create_key
from deployments.models import ApiKey, Deployment, ExclusionCalendar, Schedule
from deployments.schedules.calendars import create_calendar
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import Design, DraftCheckpoint
from designs.models.checkpoint import Reason
from designs.services import create_design
from executor.acceptance.runs import Order
from executor.models import (
    DecisionRequest,
    Execution,
    ModelConnection,
    Tool,
    ToolConnection,
    Trigger,
)
from tests.documents import doubling
from tests.executions import new_execution

# The admin has tests of its own; sign-in and sign-out are for everybody.
LEFT_OUT = ("admin:", "sign_in", "sign_out", "api-unknown")

# What these addresses do not answer without.
QUERIES = {
    "designs-api:design-version-compare": "?from=1&to=draft",
    "deployments:deployment-move": "?design={design}&version=1",
}


@dataclass(frozen=True)
class Route:
    """`permission` is what the route declares for the method; None where only a session counts."""

    name: str
    pattern: str
    method: str
    permission: str | None
    is_api: bool


@dataclass(frozen=True)
class World:
    """Rows that addresses name."""

    design: Design
    deployment: Deployment
    execution: Execution
    key: ApiKey
    schedule: Schedule
    checkpoint: DraftCheckpoint
    connection: ModelConnection
    calendar: ExclusionCalendar
    request: DecisionRequest
    tool: Tool


def make_world(owner: Any) -> World:
    design = create_design(document=doubling(), caller=SYSTEM)
    path = f"/matrix/{uuid.uuid4().hex}"
    rule = {"interval_seconds": 3600, "input_data": {"number": 1}}
    deployment = deploy_design(design=design, endpoint_path=path, caller=SYSTEM, schedule=rule)
    order = Order(
        version=deployment.version,
        input_data={"number": 1},
        trigger=Trigger.MANUAL,
        caller=SYSTEM,
        deployment_id=deployment.pk,
    )
    execution = new_execution(order)
    execution.save(force_insert=True)
    key, schedule = create_key(owner=owner)[0], deployment.schedules.get()
    checkpoint = keep_checkpoint(design=design, caller=SYSTEM, reason=Reason.BY_HAND)
    connection = ModelConnection.objects.create(
        name=f"m{uuid.uuid4().hex}", base_url="http://127.0.0.1:9/v1", is_enabled=False
    )
    calendar = create_calendar(name=path, entries=[{"from": "2026-12-24"}])
    request = DecisionRequest.objects.create(
        execution=execution, key="pair/0", kind="approval", block_id="pair", question="Go on?"
    )
    server = ToolConnection.objects.create(
        name=f"t{uuid.uuid4().hex[:30]}", url="http://192.0.2.1/mcp", is_enabled=False
    )
    # Named as another part of addresses is.
    tool = Tool.objects.create(connection=server, name="timeout_seconds")
    return World(
        design, deployment, execution, key, schedule, checkpoint, connection, calendar, request,
        tool,
    )  # fmt: skip


def routes() -> list[Route]:
    """All routes, by name and method."""
    found = [route for entry in _walk(get_resolver()) for route in _methods(*entry)]
    return sorted(found, key=lambda route: (route.name, route.method))


def address(route: Route, world: World) -> str:
    """Where the route lies for these rows."""
    design = world.design
    own = {
        "design": design, "version": design, "calendar": world.calendar,
        "deployment": world.deployment, "key": world.key,
        "connection": world.connection, "request": world.request,
    }  # fmt: skip
    short = route.name.rpartition(":")[2]
    kind = short.partition("-")[0]
    row = own.get(kind, world.execution if kind == "execution" else world.deployment)
    if kind == "tool":
        # The API names a tool by its connection and its name.
        by_row = not route.is_api and not short.startswith("tool-connection")
        row = world.tool if by_row else world.tool.connection
    values = {
        "pk": row.pk,
        "path": world.deployment.endpoint_path,
        "execution_id": world.execution.pk,
        "log_id": world.execution.pk,
        "number": 1,
        "slug": "support-routing",
        "name": "timeout_seconds",
        "schedule_id": world.schedule.pk,
        "checkpoint_id": world.checkpoint.pk,
    }
    path = re.sub(r"/\?\$$|[\^$]", "", route.pattern)
    path = re.sub(r"<\w+:(\w+)>", lambda m: str(values.get(m[1], uuid.UUID(int=1))), path)
    return "/" + _fill_groups(path, values) + _query(route, world)


def _query(route: Route, world: World) -> str:
    return QUERIES.get(route.name, "").format(design=world.design.pk)


def _fill_groups(path: str, values: dict[str, Any]) -> str:
    """Named groups of a regular expression, which hold no brackets but classes, replaced."""
    while found := re.search(r"\(\?P<(\w+)>(?:\[[^\]]*\]|[^()\[])*\)", path):
        value = str(values.get(found[1], uuid.UUID(int=1)))
        path = path[: found.start()] + value + path[found.end() :]
    return path


def _walk(
    resolver: URLResolver, prefix: str = "", space: str = ""
) -> Iterator[tuple[str, str, Any]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _walk(entry, prefix + str(entry.pattern), inner)
        elif isinstance(entry, URLPattern):
            name = f"{space}{entry.name}"
            if not name.startswith(LEFT_OUT):
                yield name, prefix + str(entry.pattern), entry.callback


def _methods(name: str, pattern: str, callback: Any) -> Iterator[Route]:
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    declared = getattr(view, "permissions", None) if view else None
    is_api = pattern.startswith("api/")
    if declared:
        for method, permission in declared.items():
            yield Route(name, pattern, method, permission, is_api)
        return
    for method in ("GET", "POST"):
        yield Route(name, pattern, method, getattr(callback, "permission", None), is_api)
