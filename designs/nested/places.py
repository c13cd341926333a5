"""Finds the designs that documents name, by version or by the path of a deployment."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from designs.access import Caller
from designs.graph.nesting import Body
from designs.models import Design, DesignVersion


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
    ids = {body.design_id for body in wanted if body.design_id is not None}
    if ids:
        found |= _versions({body.name for body in wanted}, ids, caller)
    return found


def _versions(
    names: Collection[str], ids: Collection[str], caller: Caller | None
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
