"""What versions did in use, for pages of designs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from designs.access import Caller

SHOWN_PLACES = 5


def use_of_versions(pks: Iterable[uuid.UUID], caller: Caller) -> Mapping[uuid.UUID, Any]:
    """Each has `total` and `places`, the same by deployment. Versions that never ran are left out,
    and all of them for those who may not see runs.
    """
    # By name, because designs know nothing of how they are run.
    found: Mapping[uuid.UUID, Any] = import_string(settings.VERSION_USE)(pks, caller=caller)
    return found


@dataclass(frozen=True, slots=True)
class ComparedUse:
    """Side by side: for each version its label and its total or None; for each deployment its path
    and a total or None for each version.
    """

    versions: list[tuple[str, Any]]
    places: list[tuple[str, list[tuple[str, Any]]]]
    left_out: int


def compared_use(versions: Mapping[str, uuid.UUID], caller: Caller) -> ComparedUse | None:
    """Of versions by their labels; None if none of them ever ran."""
    uses = use_of_versions(versions.values(), caller)
    if not uses:
        return None
    totals = [(label, uses[pk].total if pk in uses else None) for label, pk in versions.items()]
    by_path = {
        label: {place.path: place for place in uses[pk].places} if pk in uses else {}
        for label, pk in versions.items()
    }
    runs: dict[str, int] = {}
    for places in by_path.values():
        for path, place in places.items():
            runs[path] = runs.get(path, 0) + place.runs
    paths = sorted(runs, key=lambda path: (-runs[path], path)) if len(runs) > 1 else []
    rows = [
        (path, [(label, places.get(path)) for label, places in by_path.items()])
        for path in paths[:SHOWN_PLACES]
    ]
    return ComparedUse(totals, rows, len(paths) - len(rows))
