"""Which published versions play which other designs."""

from __future__ import annotations

import uuid

from django.db.models import Q

from designs.access import Caller, seen_deployments
from designs.graph.nesting import named_bodies
from designs.models import Design, DesignVersion, NestedUse

MAX_SHOWN = 50


def note_uses(version: DesignVersion) -> None:
    """Note what a new version names; it writes nothing if that is nothing."""
    rows = {}
    for one in named_bodies(version.document):
        body = one.body
        design_id = None if body.design_id is None else uuid.UUID(body.design_id)
        rows[body.name] = NestedUse(
            version=version, design_id=design_id, number=body.version, path=body.path or ""
        )
    if rows:
        NestedUse.objects.bulk_create(rows.values())


def users_of(design: Design, caller: Caller) -> list[NestedUse]:
    """The versions that play the design, by its id or by a path where it is deployed: the newest of
    each design that the caller may see.
    """
    paths = seen_deployments(caller).filter(design=design).values("endpoint_path")
    rows = NestedUse.objects.filter(Q(design=design) | Q(path__in=paths))
    rows = rows.filter(version__design__in=Design.objects.for_caller(caller).values("pk"))
    latest: dict[uuid.UUID, NestedUse] = {}
    rows = rows.select_related("version__design").defer(
        "version__document", "version__design__draft"
    )
    for use in rows.order_by("-version__created_at")[: 10 * MAX_SHOWN]:
        latest.setdefault(use.version.design_id, use)
    return list(latest.values())[:MAX_SHOWN]
