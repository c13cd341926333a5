"""What is deployed at paths, for the designs that play it."""

from __future__ import annotations

from collections.abc import Collection

from deployments.models import Deployment
from designs.access import Caller
from designs.models import Design
from designs.nested.places import Found


def find_paths(paths: Collection[str], caller: Caller | None) -> dict[str, Found]:
    """By path the version that is deployed there; with a caller, only what that caller may see."""
    rows = Deployment.objects.present().filter(endpoint_path__in=paths)
    if caller is not None:
        seen = Design.objects.for_caller(caller).values("pk")
        rows = rows.for_caller(caller).filter(design__in=seen)
    values = rows.values_list(
        "endpoint_path", "version", "design", "version__number", "design__name", "status"
    )
    return {
        path: Found(version, design, number, name, status == Deployment.Status.ACTIVE)
        for path, version, design, number, name, status in values
    }
