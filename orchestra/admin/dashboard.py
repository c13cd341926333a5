"""The admin's start page: the figures of the home page, and what runs next."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from designs.access import Caller
from orchestra.overview import Overview, overview


class Figure(NamedTuple):
    label: str
    value: str
    url: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds what the caller may see; unfold calls this for the index."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    if not caller.may("executor.view_execution"):
        return {**context, "overview": None, "figures": []}
    found = overview(caller)
    return {**context, "overview": found, "figures": _figures(found)}


def _figures(found: Overview) -> list[Figure]:
    executions = reverse("admin:executor_execution_changelist")
    live = "&".join(f"status__exact={status}" for status in ("queued", "running", "waiting"))
    bad = "status__exact=failed&status__exact=timed_out"
    deployments = reverse("admin:deployments_deployment_changelist")
    return [
        Figure("Running or waiting", f"{found.running:,}", f"{executions}?{live}"),
        Figure("Ended in 24 hours", f"{found.ended:,}", executions),
        Figure("Failed in 24 hours", f"{found.failed:,}", f"{executions}?{bad}"),
        Figure("Deployments", f"{found.deployments:,}", deployments),
    ]
