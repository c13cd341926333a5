"""Which tools a caller may name in designs, and what is wrong with those that a design names."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from designs.access import Caller, seen_deployments
from designs.graph.nesting import TOOL_PREFIX as DEPLOYMENTS
from designs.graph.nesting import with_blocks_in_place
from designs.graph.report import pointer
from designs.graph.spec import Problem
from executor.models import Tool, ToolConnection

# Names of deployments that are called as tools are checked where deployments are.
MAX_SHOWN = 2_000
MAX_DEPLOYMENTS = 200
_NOT_SHOWN = ("output_schema", "annotations", "http", "changed")


@dataclass(frozen=True, slots=True)
class DesignerTool:
    """A tool as designers see it; `name` is what agents name."""

    name: str
    title: str
    description: str
    effect: str
    approval: str
    input_schema: dict[str, object]


def designer_tools(caller: Caller) -> list[DesignerTool]:
    """The tools that the caller may name, by name."""
    if not caller.may("designs.change_design"):
        return []
    return [
        DesignerTool(
            name=str(tool),
            title=tool.title,
            description=tool.description,
            effect=tool.effect,
            approval=tool.approval,
            input_schema=tool.input_schema,
        )
        for tool in _namable(caller).defer(*_NOT_SHOWN)[:MAX_SHOWN]
    ] + _deployments(caller)


def _deployments(caller: Caller) -> list[DesignerTool]:
    """What is deployed, as tools: played inside the run of the agent that calls it."""
    rows = seen_deployments(caller).filter(status="active").select_related("version", "design")
    rows = rows.defer("design__draft")
    return [
        DesignerTool(
            name=DEPLOYMENTS + row.endpoint_path.strip("/").replace("/", "."),
            title=row.design.name,
            description=str(row.version.document.get("description") or ""),
            effect="read",
            approval="never",
            input_schema=row.version.document.get("input_schema") or {"type": "object"},
        )
        for row in rows.order_by("endpoint_path")[:MAX_DEPLOYMENTS]
    ]


def tool_problems(document: Any, caller: Caller | None = None) -> tuple[Problem, ...]:
    """A problem for each tool that an agent of the valid document names and that is not offered to
    the caller, and for each connection of an HTTP block that is closed to the caller; without a
    caller: for tools that are not offered to anybody. A document that names none costs no
    statement.
    """
    places = list(_places(document, ""))
    known = _known({name for _, name in places}, caller) if places else set()
    ending = "to you" if caller is not None else "any more"
    problems = [
        _problem(path, f"The tool `{name}` is not offered {ending}.")
        for path, name in places
        if name not in known
    ]
    if caller is not None:
        problems += _closed(list(_connections(document)), caller)
    return tuple(problems)


def closed_problems(document: Any, caller: Caller) -> tuple[Problem, ...]:
    """A problem for each tool and each connection of the valid document that is there, but not for
    the caller: what is not there at all, its run tells.
    """
    return tuple(_closed([*_places(document, ""), *_connections(document)], caller))


def _closed(places: list[tuple[str, str]], caller: Caller) -> list[Problem]:
    """Of tools, or connections, with their pointers."""
    if not places or caller.is_superuser:
        return []
    names = {name.partition(".")[0] for _, name in places}
    rows = ToolConnection.objects.filter(name__in=names).exclude(groups=None)
    closed = set(rows.exclude(groups__in=caller.group_ids).values_list("name", flat=True))
    return [
        _problem(path, f"You may not name `{name}`.")
        for path, name in places
        if name.partition(".")[0] in closed
    ]


def _problem(path: str, sentence: str) -> Problem:
    return Problem(path, f"{sentence} An administrator decides that on the page Tools.")


def _known(names: Collection[str], caller: Caller | None) -> set[str]:
    rows = Tool.objects.filter(is_offered=True, connection__is_enabled=True)
    if caller is not None:
        rows = _namable(caller)
    connections = {name.partition(".")[0] for name in names}
    own_names = {name.partition(".")[2] for name in names}
    pairs = rows.filter(connection__name__in=connections, name__in=own_names)
    return {
        f"{connection}.{name}" for connection, name in pairs.values_list("connection__name", "name")
    }


def _namable(caller: Caller) -> QuerySet[Tool]:
    rows = Tool.objects.filter(is_offered=True, connection__is_enabled=True)
    if not caller.is_superuser:
        closed = rows.exclude(connection__groups=None).exclude(
            connection__groups__in=caller.group_ids
        )
        rows = rows.exclude(pk__in=closed.values("pk"))
    return rows.select_related("connection").order_by("connection__name", "name")


def _places(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Pointer and name of each tool that an agent names, also in documents within the document.

    Deployments that are called as tools are left out.
    """
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _places(item, f"{path}/{number}")
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == "agents" and isinstance(item, list):
                yield from _of_agents(item, f"{path}/agents")
            elif isinstance(item, dict | list):
                yield from _places(item, f"{path}{pointer(key)}")


def _connections(document: Any) -> Iterator[tuple[str, str]]:
    """Pointer and name of each connection by which an HTTP block sends its request."""
    for number, block in enumerate(document.get("blocks") or ()):
        path = f"/blocks/{number}/settings"
        for inside in with_blocks_in_place(block):
            name = (inside.get("settings") or {}).get("connection")
            if inside.get("type") == "http" and isinstance(name, str):
                yield f"{path}/connection", name
            path += "/block/settings"


def _of_agents(agents: list[Any], path: str) -> Iterator[tuple[str, str]]:
    for number, agent in enumerate(agents):
        tools = agent.get("tools") if isinstance(agent, dict) else None
        for place, tool in enumerate(tools if isinstance(tools, list) else ()):
            name = tool.get("name") if isinstance(tool, dict) else tool
            if isinstance(name, str) and not name.startswith(DEPLOYMENTS):
                yield f"{path}/{number}/tools/{place}", name
