"""Finds the designs that documents name, by version or by the path of a deployment."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from designs.access import Caller
from designs.graph.nesting import MAX_NESTED_BLOCKS, Body, named_bodies
from designs.graph.spec import Graph
from designs.models import Design, DesignVersion
from designs.patterns.catalogue import check_document


@dataclass(frozen=True, slots=True)
class Found:
    """The version that a body stands for now. One that is not offered is deployed, but inactive."""

    version_id: uuid.UUID
    design_id: uuid.UUID
    number: int
    design_name: str
    is_offered: bool = True


class FindPaths(Protocol):
    def __call__(self, paths: Collection[str], caller: Caller | None) -> Mapping[str, Found]:
        """What is deployed at these paths; with a caller, only what that caller may see."""
        ...


_find_paths: list[FindPaths] = []


def register_paths(find: FindPaths) -> None:
    """Called when the app of deployments starts, since this app must not import it."""
    _find_paths[:] = [find]


def find_bodies(bodies: Iterable[Body], caller: Caller | None = None) -> dict[str, Found]:
    """What is there of these, by name; with a caller, only what that caller may see. Two queries
    at most, and none without bodies.
    """
    wanted = list(bodies)
    paths = {body.path for body in wanted if body.path is not None}
    found = dict(_find_paths[0](paths, caller)) if paths else {}
    ids = {pk for body in wanted if (pk := _parsed(body.design_id)) is not None}
    if ids:
        found |= _versions({body.name for body in wanted}, ids, caller)
    return found


def _parsed(design_id: str | None) -> uuid.UUID | None:
    """None also for what is no id: drafts and files say anything."""
    try:
        return None if design_id is None else uuid.UUID(design_id)
    except ValueError:
        return None


def _versions(
    names: Collection[str], ids: Collection[uuid.UUID], caller: Caller | None
) -> dict[str, Found]:
    rows = DesignVersion.objects.filter(design__in=ids)
    if caller is not None:
        rows = rows.filter(design__in=Design.objects.for_caller(caller).values("pk"))
    numbers = {int(name.rpartition("@")[2]) for name in names if "@" in name}
    rows = rows.filter(number__in=numbers)
    values = rows.values_list("pk", "design_id", "number", "design__name")
    found = {f"{design}@{number}": Found(pk, design, number, name)
             for pk, design, number, name in values}  # fmt: skip
    return {name: version for name, version in found.items() if name in names}


def documents_of(document: object) -> dict[str, dict[str, Any]]:
    """The documents of all designs that this one plays, to the whole depth and as far as they are
    there, by the names of the bodies. No query if it names none.
    """
    documents: dict[str, dict[str, Any]] = {}
    waiting: list[object] = [document]
    while waiting:
        named = {one.body.name: one.body for part in waiting for one in named_bodies(part)}
        found = find_bodies([body for name, body in named.items() if name not in documents])
        if not found or len(documents) + len(found) > MAX_NESTED_BLOCKS:
            break
        rows = DesignVersion.objects.in_bulk({one.version_id for one in found.values()})
        level = {name: rows[one.version_id].document for name, one in found.items()}
        documents |= level
        waiting = list(level.values())
    return documents


def graph_finder(document: object) -> Callable[[Body], Graph | None]:
    """For the bounds: finds the graphs of the designs that this one plays."""
    documents = documents_of(document)

    def find(body: Body) -> Graph | None:
        return check_document(documents[body.name]).graph if body.name in documents else None

    return find
